// Node-RED as lean as it gets: no editor, no admin API, no update checks, warnings only. Ports come from run.py.
module.exports = {
    functionGlobalContext: { parsePhone: require(process.env.PEERS + "/libphonenumber-js").default },
    uiHost: "127.0.0.1",
    uiPort: Number(process.env.PORT),
    httpAdminRoot: false,
    httpNodeRoot: "/",
    credentialSecret: false,
    diagnostics: { enabled: false, ui: false },
    telemetry: { enabled: false, updateNotification: false },
    logging: { console: { level: "warn", metrics: false, audit: false } },
};
