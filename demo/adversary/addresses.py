"""Addresses that lead inwards or nowhere, and hosts that send there."""

from demo.adversary.case import FETCHED, Case
from demo.adversary.wire import answers_only, counts_down, redirects, redirects_only, sends

_LONG = "x" * 10_000
_PLAIN = "http://{}:{{port}}/{{name}}.jpg"


def _inward(name: str, does: str, host: str) -> Case:
    return Case(name, does, "blocked-address", url=_PLAIN.format(host))


LISTED = (
    _inward("loopback", "A loopback address.", "{inner}"),
    _inward("name-of-loopback", "A name that resolves to a loopback address.", "localhost"),
    _inward("decimal", "A loopback address as one number.", "2130706433"),
    _inward("octal", "The same in octal.", "0177.0.0.1"),
    _inward("hexadecimal", "The same in hexadecimal.", "0x7f000001"),
    _inward("short-form", "The same with parts left out.", "127.1"),
    _inward("unspecified", "The unspecified address, which is this machine.", "0.0.0.0"),
    _inward("private", "A private address.", "10.0.0.1"),
    _inward("shared", "An address of a carrier's inner network.", "100.64.0.1"),
    _inward("metadata", "Where clouds keep their credentials.", "169.254.169.254"),
    _inward("metadata-azure", "Where Azure keeps its own, at an address that looks public.", "168.63.129.16"),
    _inward("protocol", "An address that is kept for protocols.", "192.0.0.192"),
    _inward("multicast", "A multicast address.", "224.0.0.1"),
    _inward("v6-loopback", "The loopback address of IPv6.", "[::1]"),
    _inward("v6-mapped", "A loopback address mapped into IPv6.", "[::ffff:127.0.0.1]"),
    _inward("v6-mapped-hexadecimal", "The same in hexadecimal.", "[::ffff:7f00:1]"),
    _inward("v6-6to4", "A loopback address in 6to4.", "[2002:7f00:1::]"),
    _inward("v6-nat64", "The metadata address in NAT64.", "[64:ff9b::a9fe:a9fe]"),
    _inward("v6-local", "An address of a local IPv6 network.", "[fd00::1]"),
    _inward("v6-isatap", "A loopback address that IPv6 tunnels to.", "[2606:4700::5efe:7f00:1]"),
    _inward("v6-segments", "An address of IPv6 that stands for a step of routing.", "[5f00::1]"),
    _inward("userinfo", "A harmless name before the @, a loopback address behind it.", "images.example@{inner}"),
    _inward("trailing-dot", "A loopback address with a dot at its end.", "127.0.0.1."),
    Case("backslash", "A backslash where some readers end the host.", "blocked-address",
         url="http://{inner}:{port}\\@images.example/{name}.jpg"),
    Case("file", "A file of the reader.", "invalid-url", url="file:///etc/passwd"),
    Case("ftp", "Another protocol.", "invalid-url", url="ftp://{host}/{name}.jpg"),
    Case("data", "A picture within its own address.", "invalid-url", url="data:image/gif;base64,R0lGODlhAQABAAAAACw="),
    Case("javascript", "A program.", "invalid-url", url="javascript:alert(1)"),
    Case("no-host", "An address without a host.", "invalid-url", url="http:///{name}.jpg"),
    Case("port-large", "A port beyond the last one.", "invalid-url", url="http://{host}:99999/{name}.jpg"),
    Case("port-other", "A port that is none of the web's.", "blocked-address", url="http://{host}:22/{name}.jpg"),
    Case("bracket-open", "A bracket that is not closed.", "invalid-url", url="http://[{inner}/{name}.jpg"),
    Case("host-unknown", "A name that does not exist.", "unknown-host", url="http://images.invalid/{name}.jpg"),
    Case("host-unknown-idn", "Such a name beyond ASCII.", "unknown-host", url="http://münster.invalid/{name}.jpg"),
    Case("host-emoji", "A name of what IDNA has no letters for.", "invalid-url", url="http://☃.invalid/{name}.jpg"),
    Case("url-long", "An address of 10,000 characters.", FETCHED, answers_only(f"/{_LONG}.jpg"),
         "http://{host}:{port}/" + _LONG + ".jpg"),
    Case("url-unicode", "Letters beyond ASCII in the path.", FETCHED, answers_only("/M%C3%BCnster.jpg"),
         "http://{host}:{port}/Münster.jpg"),
    Case("url-percent-mixed", "Encoded letters and a bare percent sign.", FETCHED,
         answers_only("/caf%C3%A9_100%25.jpg?of=100%25"), "http://{host}:{port}/caf%C3%A9_100%.jpg?of=100%"),
    Case("url-space", "A space in the path.", FETCHED, answers_only("/a%20b.jpg"), "http://{host}:{port}/a b.jpg"),
    Case("url-fragment", "A fragment, which is none of the host's business.", FETCHED, answers_only("/a.jpg?b=c"),
         "http://{host}:{port}/a.jpg?b=c#top"),
    Case("url-line-break", "An encoded line break and a header behind it.", FETCHED,
         answers_only("/a%0D%0AX-Injected:%20yes.jpg"), "http://{host}:{port}/a%0D%0AX-Injected:%20yes.jpg"),
)  # fmt: skip


def _leads(name: str, does: str, location: str, outcome: str) -> Case:
    return Case(name, does, outcome, redirects(location))


REDIRECTS = (
    _leads("redirect", "Redirects to a photograph.", "/landing.jpg", FETCHED),
    Case("redirect-308", "Redirects permanently.", FETCHED, redirects("/landing.jpg", "308 Permanent Redirect")),
    Case("redirect-five", "Redirects five times.", FETCHED, counts_down, "http://{host}:{port}/5/{name}.jpg"),
    Case("redirect-six", "Redirects six times.", "redirect-limit", counts_down, "http://{host}:{port}/6/{name}.jpg"),
    _leads("redirect-loop", "Redirects to itself.", "{path}", "redirect-limit"),
    _leads("redirect-growing", "Redirects to an ever longer address.", "{path}x", "redirect-limit"),
    _leads("redirect-loopback", "Redirects to a loopback address.", "http://127.0.0.1:{port}/in.jpg",
           "blocked-address"),
    _leads("redirect-no-scheme", "The same without a scheme.", "//127.0.0.1:{port}/in.jpg", "blocked-address"),
    _leads("redirect-name", "Redirects to a name that resolves to a loopback address.", "http://localhost:{port}/in.jpg",
           "blocked-address"),
    _leads("redirect-decimal", "Redirects to a loopback address as one number.", "http://2130706433:{port}/in.jpg",
           "blocked-address"),
    _leads("redirect-mapped", "Redirects to one mapped into IPv6.", "http://[::ffff:127.0.0.1]:{port}/in.jpg",
           "blocked-address"),
    _leads("redirect-userinfo", "Redirects to one behind an @.", "http://images.example@127.0.0.1:{port}/in.jpg",
           "blocked-address"),
    _leads("redirect-metadata", "Redirects to where clouds keep their credentials.",
           "http://169.254.169.254/latest/meta-data/", "blocked-address"),
    _leads("redirect-port", "Redirects to a port that is none of the web's.", "http://{host}:22/in.jpg",
           "blocked-address"),
    _leads("redirect-allowed", "Redirects to another host of the list, which is private and was allowed.",
           "http://127.0.1.1:{port}/in.jpg", "blocked-address"),
    _leads("redirect-file", "Redirects to a file of the reader.", "file:///etc/passwd", "invalid-url"),
    _leads("redirect-javascript", "Redirects to a program.", "javascript:alert(1)", "invalid-url"),
    _leads("redirect-data", "Redirects to a picture within its own address.", "data:image/gif;base64,R0lGODlh",
           "invalid-url"),
    _leads("redirect-nonsense", "Redirects to what is no address.", "http://[::1/in.jpg", "invalid-url"),
    _leads("redirect-unknown", "Redirects to a name that does not exist.", "http://images.invalid/in.jpg",
           "unknown-host"),
    _leads("redirect-empty", "Redirects to nothing.", "", "http-error"),
    Case("redirect-nowhere", "Redirects without saying where to.", "http-error", sends(b"", status="302 Found")),
    Case("redirect-latin", "Redirects to a path in bytes that are no UTF-8.", FETCHED,
         redirects_only("/landing-\xe9.jpg", "/landing-%E9.jpg")),
    Case("redirect-utf-8", "Redirects to a path in bytes of UTF-8.", FETCHED,
         redirects_only("/landing-caf\xc3\xa9.jpg", "/landing-caf%C3%A9.jpg")),
    Case("redirect-percent-mixed", "Redirects to a path of encoded letters and a bare percent sign.", FETCHED,
         redirects_only("/landing-caf%C3%A9_100%.jpg", "/landing-caf%C3%A9_100%25.jpg")),
    _leads("redirect-line-break", "Redirects to an encoded line break and a header behind it.",
           "/landing%0d%0aX-Injected:%20yes", FETCHED),
    _leads("redirect-bare-line-break", "Redirects with a bare line break in the address.",
           "/landing\nX-Injected: yes", FETCHED),
    _leads("redirect-carriage-return", "Redirects with a bare carriage return in the address.",
           "/landing\rX-Injected: yes", FETCHED),
)  # fmt: skip
