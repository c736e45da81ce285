"""A repository can't make ssh run a program, read another configuration or trust another host."""

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sealpress.config import sitefile, ssh_options
from sealpress.problems import Problem

SITE = '[site]\ntitle = "A blog"\nurl = "https://blog.example/"\n\n[publish.here]\nhost = "ada@blog.example"\n'

PASSES = [
    ("Port=2222", "port 2222"),
    ("port 2222", "port 2222"),
    ("USER = ada", "user ada"),
    ("ProxyJump=ada@jump.example:2222,other", "proxyjump ada@jump.example:2222,other"),
    ("proxyjump ssh://ada@jump", "proxyjump ada@jump"),
    ("ProxyJump ada@[2001:db8::1]:22", "proxyjump ada@[2001:db8::1]:22"),
    ("IdentityFile=/keys/my key", "identityfile /keys/my key"),
    ("IdentitiesOnly=YES", "identitiesonly yes"),
    ("AddressFamily=inet6", "addressfamily inet6"),
    ("Compression=no", "compression no"),
    ("ConnectTimeout\t=\t5", "connecttimeout 5"),
    ("ServerAliveInterval=0", "serveraliveinterval 0"),
    ("ServerAliveCountMax=9", "serveralivecountmax 9"),
]

REFUSED = [
    *(
        f"{name}{between}{value}"
        for between in ("=", " ", " = ", "\t")
        for name, value in [
            ("ProxyCommand", "touch x"),
            ("proxycommand", "touch x"),
            ("LocalCommand", "touch x"),
            ("PermitLocalCommand", "yes"),
            ("KnownHostsCommand", "/bin/touch x"),
            ("RemoteCommand", "touch x"),
            ("Include", "config"),
            ("Match", "exec touch"),
            ("Host", "*"),
            ("UserKnownHostsFile", "/dev/null"),
            ("StrictHostKeyChecking", "no"),
            ("HostKeyAlias", "other"),
            ("HostName", "other"),
            ("PKCS11Provider", "./evil.so"),
            ("SecurityKeyProvider", "./evil.so"),
            ("IdentityAgent", "./socket"),
            ("ControlPath", "./socket"),
            ("ForwardAgent", "yes"),
            ("SendEnv", "*"),
            ("XAuthLocation", "./evil"),
            ("ProxyUseFdpass", "yes"),
            ("CertificateFile", "x"),
            ("LocalForward", "1 x:1"),
        ]
    ),
    "-oProxyCommand=touch x",
    "-o ProxyCommand=touch x",
    '"ProxyCommand" touch x',
    "ProxyCommand",
    " ProxyCommand=touch x",
    " Port=22",
    "Port=22\nProxyCommand=touch x",
    "Port=22\rProxyCommand=touch x",
    "Port=22\0",
    "Port=22 # more",
    "Port",
    "Port=",
    "=22",
    "",
    "Port=0",
    "Port=65536",
    "Port=-1",
    "Port=٣",
    "User=-oProxyCommand=touch",
    "User=a b",
    "User=a;id",
    "User=$(id)",
    "ProxyJump=-oProxyCommand=touch",
    "ProxyJump=ada@-oProxyCommand=touch",
    "ProxyJump=jump;id",
    "ProxyJump=$(id)",
    "ProxyJump=`id`",
    "ProxyJump=a|id",
    "ProxyJump=a b",
    "ProxyJump=a,,b",
    "ProxyJump=a:0",
    "ProxyJump=ssh://a/b",
    "ProxyJump='a'",
    "ProxyJump=%h",
    "IdentityFile=key",
    "IdentityFile=./key",
    "IdentityFile=../key",
    "IdentityFile=~other/key",
    "IdentityFile=~/../key",
    "IdentityFile=/keys/%u",
    "IdentityFile=${HOME}/key",
    "IdentityFile=~/$KEY",
    'IdentityFile="/keys/a"',
    "IdentityFile=/keys/a|id",
    "IdentityFile=none",
    "IdentitiesOnly=maybe",
    "AddressFamily=inet7",
    "Compression=9",
    "ConnectTimeout=0",
    "ConnectTimeout=99999",
    "ConnectTimeout=5m",
    "ServerAliveInterval=x",
    "ServerAliveCountMax=0",
]


def effective(*words: str) -> set[str]:
    """What a real ssh would do, line by line."""
    done = subprocess.run(
        ["ssh", "-F", "none", "-G", *words, "blog.example"], check=True, capture_output=True, text=True, timeout=10
    )
    return set(done.stdout.splitlines())


PLAIN = effective()


@pytest.mark.parametrize(("option", "line"), PASSES)
def test_an_option_that_may_pass_is_what_ssh_takes(option, line):
    assert ssh_options.wrong(option) is None
    assert line in effective(*ssh_options.arguments(option))


@pytest.mark.parametrize("option", REFUSED)
def test_all_else_is_refused_at_its_place_with_what_may_stand_there(option, tmp_path):
    file = tmp_path / "site.toml"
    written = "".join(f"\\u{ord(char):04x}" if char in '"\\' or ord(char) < 32 else char for char in option)
    file.write_text(f'{SITE}ssh_options = ["Port=22", "{written}"]\n')
    with pytest.raises(Problem) as caught:
        sitefile.load(file)
    assert (caught.value.place.line, caught.value.place.column) == (7, 27)
    assert caught.value.message.startswith("[publish.here] ssh_options ")
    assert "\n" not in caught.value.message
    assert all(name in caught.value.hint for name in ("Port", "ServerAliveCountMax", "SEALPRESS_SSH_CONFIG"))
    with pytest.raises(ValueError):
        ssh_options.arguments(option)


@pytest.mark.parametrize("identity", ["key", "../key", "./key", "~ada/key", "/keys/%d", "/keys/${HOME}", "-i"])
def test_a_key_file_of_the_repository_or_with_a_name_that_ssh_expands_is_refused(identity, tmp_path):
    file = tmp_path / "site.toml"
    file.write_text(f'{SITE}identity = "{identity}"\n')
    with pytest.raises(Problem, match=r"^site.toml:7:12: \[publish.here\] identity must be a whole path"):
        sitefile.load(file, "site.toml")


def test_an_unknown_option_that_is_nearly_a_known_one_is_answered_with_it():
    assert ssh_options.wrong("ProxyJmp=x") == 'can\'t set ProxyJmp (did you mean "ProxyJump"?)'


names = st.one_of(
    st.sampled_from([*ssh_options.ALLOWED, "ProxyCommand", "LocalCommand", "Include", "-oProxyCommand"]),
    st.text("PortUse-o =\t", max_size=6),
)
values = st.one_of(
    st.text("a1/~-.@:,[]%$\"'`|;\\ \n\t#=é", max_size=12),
    st.sampled_from(["yes", "22", "ada@jump:22", "/keys/a", "~/key", "-oProxyCommand=id", "x\nProxyCommand id"]),
)


@settings(max_examples=150)
@given(names, st.sampled_from(["=", " ", " = ", "\t", "\n", ""]), values)
def test_whatever_passes_changes_only_what_it_names(name, between, value):
    """Asked of a real ssh: no command, no file and no host beside the option's own."""
    option = f"{name}{between}{value}"
    if ssh_options.wrong(option) is not None:
        return
    changed = {line.split(" ")[0] for line in effective(*ssh_options.arguments(option)) ^ PLAIN}
    assert changed <= {name.strip("=\t ").lower()}
