"""Hosts whose manners are good and whose answer is another than a photograph, or a photograph with a condition."""

from demo import hostile
from demo.adversary import pictures
from demo.adversary.case import FETCHED, Case
from demo.adversary.pictures import photograph
from demo.adversary.wire import JPEG, PHOTOGRAPH, heals, heals_at_a_date, says, sends

_HTML = b"<!doctype html><title>Log in</title><p>Please log in to see this picture.</p>"
_SVG = b"<svg xmlns='http://www.w3.org/2000/svg' width='96' height='80'><rect width='96' height='80'/></svg>"
_BUSY, _DOWN = "429 Too Many Requests", "503 Service Unavailable"

STATUSES = (
    Case("fine", "Sends a photograph.", FETCHED, sends(PHOTOGRAPH)),
    Case("created", "201 with a photograph.", FETCHED, sends(PHOTOGRAPH, status="201 Created")),
    Case("rewritten", "203 with a photograph.", FETCHED, sends(PHOTOGRAPH, status="203 Non-Authoritative Information")),
    Case("changed", "226 with a photograph.", FETCHED, sends(PHOTOGRAPH, status="226 IM Used")),
    Case("created-page", "201 with a page.", "not-an-image", sends(_HTML, status="201 Created")),
    Case("no-content", "204, which means that there is no body.", "http-error", sends(b"", status="204 No Content")),
    Case("partial", "206 though the whole was asked for.", "http-error",
         sends(PHOTOGRAPH, JPEG, "Content-Range: bytes 0-9/10", status="206 Partial Content")),
    Case("not-modified", "304 though nothing is known of before.", "http-error", sends(b"", status="304 Not Modified")),
    Case("forbidden", "403 with a page.", "http-error", sends(_HTML, status="403 Forbidden")),
    Case("missing", "404.", "http-error", sends(_HTML, status="404 Not Found")),
    Case("missing-with-photograph", "404 with a photograph.", "http-error", sends(PHOTOGRAPH, status="404 Not Found")),
    Case("teapot", "A status that means nothing.", "http-error", sends(PHOTOGRAPH, status="999 Request denied")),
    Case("failing", "500 for ever.", "http-error", sends(_HTML, status="500 Internal Server Error")),
    Case("busy", "429 for ever.", "http-error", sends(b"", "Retry-After: 0", status=_BUSY)),
    Case("busy-then-fine", "429 and Retry-After in seconds, then fine.", FETCHED, heals(_BUSY, "Retry-After: 1")),
    Case("busy-until-a-date", "429 and Retry-After as a date, then fine.", FETCHED, heals_at_a_date),
    Case("busy-until-nonsense", "429 and a Retry-After that is neither.", FETCHED, heals(_BUSY, "Retry-After: ²")),
    Case("busy-until-long-ago", "429 and a Retry-After of the past.", FETCHED,
         heals(_BUSY, "Retry-After: Mon, 01 Jan 1990 00:00:00 GMT")),
    Case("busy-for-a-year", "429 and a Retry-After of a year; the first request.", "http-error",
         sends(b"", "Retry-After: 31536000", status=_BUSY)),
    Case("busy-for-a-year-second", "The same host; the second request.", "host-unavailable",
         url="http://{hosts[busy-for-a-year]}:{port}/second.jpg"),
    Case("busy-for-ever", "429 and a Retry-After of 400 digits.", "http-error",
         sends(b"", "Retry-After: " + "9" * 400, status=_BUSY)),
    Case("early-hints", "103 with hints, and a photograph behind it.", "http-error",
         says(b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>\r\n\r\n" + b"HTTP/1.1 200 OK\r\n\r\n" + PHOTOGRAPH)),
    Case("down-then-fine", "503, then fine.", FETCHED, heals(_DOWN)),
)  # fmt: skip

BODIES = (
    Case("empty", "200 and an empty body.", "not-an-image", sends(b"")),
    Case("html", "A page under a photograph's name and type.", "not-an-image", sends(_HTML)),
    Case("svg", "A drawing in SVG.", "not-an-image", sends(_SVG, "Content-Type: image/svg+xml")),
    Case("postscript", "A program in PostScript.", "not-an-image", sends(b"%!PS-Adobe-3.0 EPSF-3.0\nquit\n")),
    Case("garbage", "A JPEG's first bytes, then noise.", "broken-image", sends(hostile.MADE["garbage"])),
    Case("cut", "Half a photograph, under the length of that half.", "truncated-image",
         sends(PHOTOGRAPH[: len(PHOTOGRAPH) // 2])),
    Case("no-end-marker", "A JPEG without its end marker.", "truncated-image", sends(PHOTOGRAPH[:-2])),
    Case("one-pixel", "One pixel.", "too-small", sends(hostile.MADE["tiny"])),
    Case("one-colour", "A photograph of nothing: one colour all over.", "blank-image", sends(pictures.flat)),
    Case("no-pixel", "A GIF of no width and no height.", "broken-image", sends(pictures.empty_gif)),
    Case("bomb-png", "A PNG of 2.5 gigapixels in 300 KB.", "too-many-pixels", sends(pictures.png_bomb)),
    Case("bomb-png-text", "A small PNG with a comment of 700 MB, packed.", "broken-image",
         sends(pictures.png_text_bomb)),
    Case("bomb-gif", "A GIF of 4.3 gigapixels.", "too-many-pixels", sends(pictures.gif_bomb)),
    Case("bomb-tiff", "A TIFF of 2.5 gigapixels.", "too-many-pixels", sends(pictures.tiff_bomb)),
    Case("bomb-webp", "A WebP of 268 megapixels.", "too-many-pixels", sends(pictures.webp_bomb)),
    Case("bomb-bmp", "A BMP of 2.5 gigapixels.", "too-many-pixels", sends(pictures.bmp_bomb)),
    Case("bomb-jpeg", "A JPEG of 4.3 gigapixels.", "too-many-pixels", sends(pictures.jpeg_bomb)),
    Case("bad-exif", "EXIF that points outside itself.", FETCHED, sends(pictures.bad_exif)),
    Case("archive-behind", "A JPEG with a ZIP archive behind its end.", FETCHED, sends(pictures.with_archive)),
    Case("animated", "An animated GIF.", FETCHED, sends(lambda: pictures.animation(5))),
    Case("pages", "A TIFF of several pages.", FETCHED, sends(lambda: pictures.animation(3, "TIFF"))),
    Case("cmyk", "A JPEG in CMYK.", FETCHED, sends(lambda: photograph("JPEG", "CMYK"))),
    Case("deep", "A PNG of 16 bits a pixel.", FETCHED, sends(pictures.deep_grey)),
    Case("palette", "A PNG with a palette.", FETCHED, sends(lambda: photograph("PNG", "P"))),
    Case("alpha", "A WebP with an alpha channel.", FETCHED, sends(lambda: photograph("WEBP", "RGBA"))),
    Case("avif-as-jpeg", "An AVIF said to be a JPEG.", FETCHED, sends(lambda: photograph("AVIF"))),
    Case("png-as-jpeg", "A PNG said to be a JPEG.", FETCHED, sends(lambda: photograph("PNG"))),
)  # fmt: skip
