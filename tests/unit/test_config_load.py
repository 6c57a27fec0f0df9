"""Goldens: what a person reads when the configuration is wrong."""

# ruff: noqa: E501
# Long lines are how people get to see them.

from hashlib import sha256
from pathlib import Path
from textwrap import dedent

import pytest
from configurations import REGISTRY, WHOLE, problems, read

from groundswell.config.load import load
from groundswell.config.problems import rendered
from groundswell.errors import ConfigError


def _lines(text: str) -> str:
    return dedent(text).lstrip("\n")


def test_every_problem_is_told_at_once_from_the_top_of_the_file_to_its_end(tmp_path: Path) -> None:
    text = """
        [daemon]
        keep = "30 days"
        stat = "x.db"
        state = 4

        [webhoks]
        listen = "0.0.0.0:80"

        [webhooks]
        listen = "8080"

        [sources.signups]
        type = "hook.webhok"

        [sources.people]
        type = "poll"
        rate = "4 per second"
        pages = 1000
        colour = "red"

        [sources.forms]
        type = "hook.webhook"
        path = "forms"
        auth = { type = "basic", usr = "x" }

        [transforms.tidied]
        type = "post"
        inputs = ["signups"]

        [transforms.tidier]
        type = "tidy"
        inputs = ["tidied", "people", "tidied", "froms"]
        mode = "fsat"
        from = 3

        [sinks.crm]
        type = "post"
        inputs = ["tidier", "crm"]
        batch = { recrds = 10, wait = 5 }
        token = "${CRM_TOKEN}"
        tokens = { file = "token" }
    """
    assert problems(tmp_path, text) == _lines("""
        daemon.keep                   "30 days" is not a duration; write a number and a unit, such as "500ms", "30s", "10m", "2h" or "30d"
        daemon.stat                   is not a setting of [daemon]; did you mean "state"? (state, state_max, disk_free_min, queue_records_max, queue_bytes_max, keep, drain, key)
        daemon.state                  must be text, not 4
        webhoks                       is not a table of a configuration; did you mean "webhooks"? (daemon, webhooks, ops, accounts, sources, transforms, sinks, sync, tests)
        webhooks.listen               "8080" is not an address; write host and port, such as "127.0.0.1:8080" or "[::1]:8080"
        sources.signups.type          "hook.webhok" is not a source; did you mean "hook.webhook"? (hook.webhook, poll, unsigned.webhook)
        sources.people.rate           "4 per second" is not a rate; write calls per time, such as "4/s", "1000/min" or "10/5s"
        sources.people.pages          must be at most 100, not 1000
        sources.people.colour         is not a setting of poll; there is type, rate, pages
        sources.forms.path            is not a path; write "/" and letters, digits and . _ ~ - between slashes
        sources.forms.auth.usr        is not a setting here; did you mean "user"? (type, user, password)
        sources.forms.auth.user       is missing. The user name.
        sources.forms.auth.password   is missing
        transforms.tidied.type        "post" is a sink, not a transform; there is tidy
        transforms.tidier.inputs[2]   "tidied" is named twice; a record would come twice
        transforms.tidier.inputs[3]   nothing is called "froms"; did you mean "forms"? (signups, people, forms, tidied, tidier)
        transforms.tidier.mode        "fsat" is not one of its values; did you mean "fast"? (fast, slow)
        transforms.tidier.from        must be text or a list, not 3
        sinks.crm.inputs[1]           "crm" is a sink, and nothing comes out of a sink
        sinks.crm.batch.recrds        is not a setting here; did you mean "records"? (records, wait)
        sinks.crm.batch.wait          5 is not a duration; write a number and a unit, such as "500ms", "30s", "10m", "2h" or "30d"
        sinks.crm.token               the environment variable CRM_TOKEN is not set; set it, or give a default with "${CRM_TOKEN:-...}"
        sinks.crm.tokens              must be a list, not a table
        sinks.crm.url                 is missing. Where to post.
    """)


def test_what_hangs_together_wrongly_is_told(tmp_path: Path) -> None:
    text = """
        [sources.signups]
        type = "hook.webhook"
        path = "/hooks/a"

        [sources.people]
        type = "hook.webhook"
        path = "/hooks/a/"

        [sources.lonely]
        type = "poll"

        [transforms.first]
        type = "tidy"
        inputs = ["signups", "second"]

        [transforms.second]
        type = "tidy"
        inputs = ["third", "people"]

        [transforms.third]
        type = "tidy"
        inputs = ["first"]

        [transforms.signups]
        type = "tidy"
        inputs = ["signups"]

        [transforms.itself]
        type = "tidy"
        inputs = ["itself"]

        [sinks."Our CRM"]
        type = "post"
        inputs = ["third"]
        url = "https://crm.example.org"
    """
    assert problems(tmp_path, text) == _lines("""
        sources.people.path        is the path of sources.signups already; give one of them another
        sources.lonely             nothing takes its records; name "lonely" in the inputs of a transform or sink, or remove it
        transforms.first.inputs    records would go round for ever: first -> third -> second -> first
        transforms.signups         has the name of sources.signups; every component needs a name of its own
        transforms.itself.inputs   records would go round for ever: itself -> itself
        sinks."Our CRM"            is not a name; names are small letters, digits and _, and start with a letter, such as "our_crm"
    """)


def test_a_configuration_of_nothing_says_what_must_be_there(tmp_path: Path) -> None:
    assert problems(tmp_path, "") == _lines("""
        sources   there is no source; add one, such as [sources.signups]
        sinks     there is no sink; add one, such as [sinks.crm]
    """)


def test_types_that_are_missing_or_of_another_role_are_told(tmp_path: Path) -> None:
    text = """
        [accounts.network]
        type = "action_network"
        [sources.a]
        [sources.b]
        type = 3
        [sources.c]
        type = "tidy"
        [sinks.d]
        type = "post"
        inputs = ["a", "b", "c"]
        url = "x"
        [people.actionkit]
        account = "actionkit"
    """
    assert problems(tmp_path, text) == _lines("""
        accounts.network.type   "action_network" is not an account; this groundswell has no types of accounts
        sources.a.type          is missing; there is hook.webhook, poll, unsigned.webhook
        sources.b.type          must be text; there is hook.webhook, poll, unsigned.webhook
        sources.c.type          "tidy" is a transform, not a source; there is hook.webhook, poll, unsigned.webhook
        people                  is not a table of a configuration; there is daemon, webhooks, ops, accounts, sources, transforms, sinks, sync, tests
    """)


def test_tables_of_the_wrong_shape_are_told(tmp_path: Path) -> None:
    text = """
        daemon = 1
        sinks = "none"
        [tests]
        name = "x"
        [[sources]]
        type = "poll"
        [transforms]
        type = "tidy"
    """
    assert problems(tmp_path, text) == _lines("""
        daemon            must be a table; write [daemon]
        sinks             must be a table; write [sinks.name]
        sinks             there is no sink; add one, such as [sinks.crm]
        tests             must be a list of tables; write [[tests]], with two brackets
        sources           must be a table; write [sources.name]
        sources           there is no source; add one, such as [sources.signups]
        transforms.type   must be a table; is this line missing a heading such as [transforms.type]?
    """)


def test_tests_that_name_what_is_not_there_are_told(tmp_path: Path) -> None:
    text = f"""{WHOLE}
[[tests]]
name = ""
source = "signup"
input = {{}}

[[tests]]
name = "two"
source = "crm"
input = [{{}}]
expect = {{ tidid = [], crm = [{{}}] }}

[[tests]]
name = "three"
source = "signup"
input = [{{ number = 0x{"f" * 4000} }}]
expect = {{ crm = [{{}}] }}
"""
    assert problems(tmp_path, text) == _lines("""
        tests[0].name           must not be empty
        tests[0].input          must be a list, not a table
        tests[1].source         "crm" is not one of the sources; there is signups
        tests[1].expect.tidid   nothing is called "tidid"; did you mean "tidied"? (signups, tidied, crm)
        tests[2].source         "signup" is not one of the sources; did you mean "signups"?
        tests[2].input[0]       holds a number too large for JSON
    """)


def test_a_choice_between_tables_is_told_with_what_there_is(tmp_path: Path) -> None:
    text = """
        [sources.a]
        type = "hook.webhook"
        auth = { user = "x" }
        [sources.b]
        type = "hook.webhook"
        auth = { type = "basik" }
        [sources.c]
        type = "hook.webhook"
        auth = "Bearer mF_9.B5f-4.1JqM"
        [sinks.d]
        type = "post"
        inputs = ["a", "b", "c"]
        url = "x"
    """
    assert problems(tmp_path, text) == _lines("""
        sources.a.auth.type   is missing; it must be "none" or "basic"
        sources.b.auth.type   "basik" is not one of its values; did you mean "basic"? (none, basic)
        sources.c.auth        must be a table
    """)


def test_a_value_from_the_environment_is_never_shown(tmp_path: Path) -> None:
    text = WHOLE + '[daemon]\nkeep = "${KEEP}"\nqueue_records_max = "${SECRET}"\n'
    told = problems(tmp_path, text, {"KEEP": "hunter2", "SECRET": "hunter3"})
    assert told == _lines("""
        daemon.keep                is not a duration; write a number and a unit, such as "500ms", "30s", "10m", "2h" or "30d"; the value comes from the environment
        daemon.queue_records_max   must be a whole number; the value comes from the environment
    """)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    text = (
        WHOLE
        + 'token = 83912\ntokens = ["", { fil = "hunter2" }, { file = "nowhere" }, { credential = "crm" }, true]\n'
    )
    assert problems(tmp_path, text) == _lines("""
        sinks.crm.token       is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }
        sinks.crm.tokens[0]   is empty; give it a value, or leave the line out
        sinks.crm.tokens[1]   is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }
        sinks.crm.tokens[2]   the secret file "DIR/nowhere" cannot be read: No such file or directory
        sinks.crm.tokens[3]   credential "crm" is not there: $CREDENTIALS_DIRECTORY is not set. systemd sets it for units with LoadCredential=crm:...; elsewhere write { file = ... }
        sinks.crm.tokens[4]   is not a secret; write "${NAME}", { file = "/path" } or { credential = "name" }
    """)


def test_ops_for_other_machines_needs_a_password(tmp_path: Path) -> None:
    ops = '[ops]\nlisten = "0.0.0.0:9464"\n'
    assert problems(tmp_path, WHOLE + ops) == (
        "ops.listen   lets other machines in, and there is no ops.password; set one, or listen on 127.0.0.1\n"
    )
    assert problems(tmp_path, WHOLE + ops + 'password = "${P}"', {"P": "x"}) == ""


@pytest.mark.parametrize(
    ("webhooks", "ops", "collide"),
    [
        ("127.0.0.1:80", "127.0.0.1:80", True),
        ("0.0.0.0:80", "127.0.0.1:80", True),
        ("127.0.0.1:80", "[::1]:80", True),
        ("10.0.0.1:80", "127.0.0.1:80", False),
        ("127.0.0.1:0", "127.0.0.1:0", False),
        ("127.0.0.1:80", "127.0.0.1:81", False),
    ],
)
def test_webhooks_and_ops_need_ports_of_their_own(tmp_path: Path, webhooks: str, ops: str, collide: bool) -> None:
    text = f'{WHOLE}[webhooks]\nlisten = "{webhooks}"\n[ops]\nlisten = "{ops}"\n'
    told = problems(tmp_path, text)
    assert told == (
        "ops.listen   webhooks and ops cannot both have port 80; give one another port\n" if collide else ""
    )


def test_several_files_are_one_configuration(tmp_path: Path) -> None:
    (tmp_path / "b.toml").write_text(WHOLE)
    (tmp_path / "a.toml").write_text("""
        [daemon]
        state = "x.db"
        [[tests]]
        name = "t"
        source = "signups"
        input = [1]
        expect = { crm = [] }
    """)
    (tmp_path / ".hidden.toml").write_text("not TOML")
    config = load([tmp_path], {}, REGISTRY)
    assert config.files == (tmp_path / "a.toml", tmp_path / "b.toml")
    assert config.daemon.state == "x.db"
    assert list(config.components) == ["signups", "tidied", "crm"]
    assert [test.name for test in config.tests] == ["t"]
    assert config == load([tmp_path / "a.toml", tmp_path, tmp_path / "b.toml"], {}, REGISTRY)


def test_a_table_in_two_files_names_both(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.toml").write_text(f"{WHOLE}\n[daemon]\n")
    with pytest.raises(ConfigError) as caught:
        load([tmp_path], {}, REGISTRY)
    assert rendered(caught.value).replace(f"{tmp_path}/", "") == _lines("""
        b.toml: 4 problems
          sources.signups     also stands in a.toml; sources.signups may stand in only one file
          transforms.tidied   also stands in a.toml; transforms.tidied may stand in only one file
          sinks.crm           also stands in a.toml; sinks.crm may stand in only one file
          daemon              also stands in a.toml; daemon may stand in only one file
    """)


def test_nothing_is_said_to_be_missing_while_a_file_cannot_be_read(tmp_path: Path) -> None:
    (tmp_path / "a.toml").write_text('[sinks.crm]\ntype = "post"\ninputs = ["signups"]\n')
    (tmp_path / "b.toml").write_text("[sources.signups]\ntype = 'poll\n")
    with pytest.raises(ConfigError) as caught:
        load([tmp_path], {}, REGISTRY)
    assert rendered(caught.value).replace(f"{tmp_path}/", "") == _lines("""
        b.toml: 1 problem
          end of document: expected "'"; this is not TOML
        a.toml: 1 problem
          sinks.crm.url   is missing. Where to post.
    """)


def test_the_hash_is_that_of_the_file_and_changes_with_it(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    assert config.hash == sha256((tmp_path / "pipeline.toml").read_bytes()).hexdigest()[:12]
    assert read(tmp_path, WHOLE + "# a comment").hash != config.hash


def test_a_configuration_holds_its_components_with_what_they_need(tmp_path: Path) -> None:
    config = read(tmp_path, WHOLE)
    crm = config.components["crm"]
    assert (crm.role, crm.type, crm.inputs, crm.directory) == ("sink", "post", ("tidied",), tmp_path)
    assert crm.settings.url.reveal() == "https://crm.example.org"
    assert list(config.of_role("source")) == ["signups"]
    assert config.directory == tmp_path
    assert config.warnings == ()


def test_an_input_that_is_no_list_is_still_known_to_be_used(tmp_path: Path) -> None:
    assert problems(tmp_path, WHOLE.replace('["signups"]', '"signups"')) == (
        "transforms.tidied.inputs   must be a list\n"
    )


def test_numbers_may_come_from_the_environment(tmp_path: Path) -> None:
    assert read(tmp_path, WHOLE + '[daemon]\nqueue_records_max = "${N}"', {"N": "7"}).daemon.queue_records_max == 7


def test_what_an_unset_variable_breaks_is_told_once(tmp_path: Path) -> None:
    told = problems(tmp_path, WHOLE + '[webhooks]\nlisten = "${LISTEN}"')
    assert told.count("\n") == 1
    assert "LISTEN is not set" in told


def test_a_guessable_path_is_a_warning_where_the_sender_cannot_sign(tmp_path: Path) -> None:
    unsigned = WHOLE.replace("hook.webhook", "unsigned.webhook")
    assert read(tmp_path, WHOLE).warnings == ()
    (warning,) = read(tmp_path, unsigned).warnings
    assert warning == (
        f"{tmp_path}/pipeline.toml: sources.signups.path is not set, so it is /webhooks/signups, and whoever knows it "
        "can send records: unsigned.webhook cannot tell who is sending. Set one that ends with something random, such "
        "as what `openssl rand -hex 16` prints"
    )
    easy = unsigned.replace('"unsigned.webhook"', '"unsigned.webhook"\npath = "/webhooks/zebra-piano"')
    (warning,) = read(tmp_path, easy).warnings
    assert "sources.signups.path is easy to guess, and whoever knows it" in warning
    assert "zebra" not in warning, "warnings are logged, and shown to whoever may look"
    random = unsigned.replace('"unsigned.webhook"', '"unsigned.webhook"\npath = "/webhooks/action_network/v1/3f7c0d"')
    assert read(tmp_path, random).warnings == ()


def test_settings_may_warn_of_what_works_and_is_unwise(tmp_path: Path) -> None:
    (warning,) = read(tmp_path, WHOLE.replace("https://", "http://")).warnings
    assert warning == f"{tmp_path}/pipeline.toml: sinks.crm.url is not encrypted on its way"


def test_a_secret_written_out_is_a_warning_and_an_address_is_not(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("x")
    (tmp_path / "token").chmod(0o600)
    text = WHOLE + 'token = "hunter2"\ntokens = ["${T}", { file = "token" }, "hunter3", "a$${b"]\n'
    warnings = read(tmp_path, text, {"T": "x"}).warnings
    assert [warning.removeprefix(f"{tmp_path}/pipeline.toml: ") for warning in warnings] == [
        f'sinks.crm.{path} is a secret written out in the file; "${{NAME}}" or {{ file = "..." }} keeps it out of git '
        "and backups"
        for path in ("token", "tokens[2]", "tokens[3]")
    ]
