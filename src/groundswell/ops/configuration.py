"""The configuration in force, for operators."""

from groundswell.config.warnings import warnings_of
from groundswell.ops.config_messages import ConfigShown, ProblemShown, ReloadRefused, SettingShown, TableShown
from groundswell.ops.messages import moment
from groundswell.runtime.daemon import Daemon, Reloaded


def config_shown(daemon: Daemon) -> ConfigShown:
    """What a daemon runs with."""
    config = daemon.config
    return ConfigShown(
        hash=config.hash,
        files=[str(file) for file in config.files],
        read_at=moment(daemon.config_read_at * 1000),
        warnings=warnings_of(config, daemon.clock.now()),
        tables=[
            TableShown(table.heading, [SettingShown(one.key, one.value, one.is_written) for one in table.settings])
            for table in config.shown
        ],
        refused=_refused(daemon.reloaded),
    )


def _refused(reloaded: Reloaded) -> ReloadRefused | None:
    if reloaded.error is None:
        return None
    problems = [ProblemShown(problem.file, problem.path, problem.message) for problem in reloaded.problems]
    return ReloadRefused(moment(reloaded.at * 1000), reloaded.error, problems)
