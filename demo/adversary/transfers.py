"""Hosts that are slow, endless, or wrong about what they send."""

import gzip

from demo.adversary.case import FETCHED, Case
from demo.adversary.wire import (
    JPEG,
    PHOTOGRAPH,
    chunked,
    drips,
    gzip_bomb,
    nested_gzip_bomb,
    resets,
    says,
    sends,
    stays_silent,
    with_length,
)

_OK = b"HTTP/1.1 200 OK\r\n"
_HUGE_CHUNK = b"10000\r\n" + bytes(65536) + b"\r\n"

SLOW = (
    Case("deaf", "Neither takes the connection nor refuses it.", "timeout", deaf=True),
    Case("silence", "Takes the connection and says nothing.", "timeout", stays_silent()),
    Case("silent-body", "Sends a head and half a body, and nothing more.", "timeout",
         stays_silent(_OK + b"Content-Length: 100000\r\n\r\n" + PHOTOGRAPH)),
    Case("drip-body", "Sends a byte of the body now and then.", "timeout",
         drips(_OK + b"Content-Length: 100000\r\n\r\n", b"x")),
    Case("drip-head", "Sends a byte of a header now and then.", "timeout", drips(_OK + b"X-Slow: ", b"x")),
    Case("drip-status", "Sends a byte of the status line now and then.", "timeout", drips(b"HTTP/1.1 200 ", b"x")),
    Case("drip-chunk", "Sends a byte of a chunk's line now and then.", "timeout", drips(chunked(b"1;x="), b"x")),
    Case("drip-chunks", "Sends a chunk of one byte now and then.", "timeout", drips(chunked(), b"1\r\nx\r\n")),
    Case("drip-tls", "Sends a byte of its part of TLS now and then.", "timeout",
         drips(b"\x16\x03\x03\x40\x00\x02", b"x"), "https://{host}:{port}/{name}.jpg"),
    Case("drip-interim", "Says 100 Continue now and then.", "timeout", drips(b"", b"HTTP/1.1 100 Continue\r\n\r\n")),
)  # fmt: skip

ENDLESS = (
    Case("endless-body", "A body without a length that does not end.", "too-large",
         drips(_OK + b"\r\n", bytes(65536), 0)),
    Case("endless-chunks", "Chunks that do not end.", "too-large", drips(chunked(), _HUGE_CHUNK, 0)),
    Case("endless-headers", "Header lines that do not end.", "connection-failed",
         drips(_OK, b"X-More: " + b"x" * 1000 + b"\r\n", 0)),
    Case("endless-header", "One header line that does not end.", "connection-failed",
         drips(_OK + b"X: ", b"x" * 9999, 0)),
    Case("endless-chunk-line", "A chunk's line that does not end.", "connection-failed",
         drips(chunked(b"1;"), b"x" * 9999, 0)),
    Case("gzip-bomb", "A megabyte of gzip that unpacks to a gigabyte.", "too-large",
         lambda exchange: exchange.answer(gzip_bomb(), JPEG, "Content-Encoding: gzip")),
    Case("gzip-bomb-nested", "A gigabyte of zeros, packed twice into 5 KB.", "too-large",
         lambda exchange: exchange.answer(nested_gzip_bomb(), JPEG, "Content-Encoding: gzip, gzip")),
    Case("gzip-many-times", "Says of its body that it was packed thirty times.", "connection-failed",
         sends(b"x" * 1000, JPEG, "Content-Encoding: " + ", ".join(["gzip"] * 30))),
)  # fmt: skip

LENGTHS = (
    Case("length-long", "Promises twice what comes.", "truncated-body", with_length(str(2 * len(PHOTOGRAPH)))),
    Case("length-short", "Promises half of what comes.", "truncated-image", with_length(str(len(PHOTOGRAPH) // 2))),
    Case("length-huge", "Promises 50 GB, and sends a photograph.", "truncated-body", with_length("50000000000")),
    Case("length-negative", "A length below zero.", FETCHED, with_length("-5")),
    Case("length-words", "A length that is no number.", FETCHED, with_length("a few")),
    Case("length-digits", "A length of 5,000 digits.", FETCHED, with_length("9" * 5000)),
    Case("length-two", "Two lengths that differ.", "connection-failed",
         sends(PHOTOGRAPH, JPEG, "Content-Length: 5", f"Content-Length: {len(PHOTOGRAPH)}")),
    Case("chunk-garbage", "A chunk whose length is no number.", "truncated-body", says(chunked(b"zz\r\nabc"))),
    Case("chunk-negative", "A chunk of a length below zero.", "truncated-body", says(chunked(b"-5\r\nabc"))),
    Case("chunk-huge", "A chunk of 16 exabytes.", "truncated-body", says(chunked(b"ffffffffffffffff\r\nabc"))),
    Case("chunk-short", "A chunk shorter than announced.", "truncated-body", says(chunked(b"ff\r\nabc"))),
    Case("chunk-no-end", "Ends before the last chunk.", "truncated-body", says(chunked(b"3\r\nabc\r\n"))),
    Case("deflate-garbage", "Says deflate of what is none.", "connection-failed",
         sends(b"x" * 1000, JPEG, "Content-Encoding: deflate")),
    Case("gzip-cut", "Gzip that ends in the middle.", "truncated-image",
         sends(gzip.compress(PHOTOGRAPH)[:1200], JPEG, "Content-Encoding: gzip")),
    Case("encoding-unknown", "Names an encoding that does not exist, of a photograph.", FETCHED,
         sends(PHOTOGRAPH, JPEG, "Content-Encoding: rot13")),
    Case("encoding-brotli", "Packs the body by Brotli, which was not asked for.", "not-an-image",
         sends(b"\x0b\x02\x80" + bytes(1000), JPEG, "Content-Encoding: br")),
)  # fmt: skip

BROKEN = (
    Case("hang-up", "Takes the request and hangs up.", "connection-failed", says(b"")),
    Case("reset-at-once", "Resets the connection without an answer.", "connection-failed", resets()),
    Case("reset-in-head", "Resets the connection within the head.", "connection-failed", resets(_OK + b"X-")),
    Case("reset-in-body", "Resets the connection within the body.", "connection-failed",
         resets(_OK + b"Content-Length: 100000\r\n\r\n" + PHOTOGRAPH)),
    Case("refused", "Nobody listens there.", "connection-failed"),
    Case("no-tls", "Speaks no TLS under an https address.", "connection-failed", says(b"HTTP/1.1 400 Bad\r\n\r\n"),
         "https://{host}:{port}/{name}.jpg"),
    Case("http-0.9", "A photograph without any head, as HTTP/0.9 had it.", "connection-failed", says(PHOTOGRAPH)),
    Case("other-protocol", "The greeting of another protocol.", "connection-failed", says(b"SSH-2.0-OpenSSH_9.2\r\n")),
    Case("status-garbage", "A status line that is none.", "connection-failed", says(b"HTTP/1.1 fine, thanks\r\n\r\n")),
    Case("status-large", "A status of four digits.", "connection-failed", says(b"HTTP/1.1 2000 OK\r\n\r\n")),
    Case("header-latin", "Headers in bytes that are no UTF-8.", FETCHED,
         lambda exchange: exchange.answer(PHOTOGRAPH, JPEG, "ETag: \"\xe9t\xe9\xff\"", "X-Caf\xe9: \xa0")),
    Case("header-control", "Headers with NUL and other control characters.", FETCHED,
         lambda exchange: exchange.answer(PHOTOGRAPH, "Content-Type: image/jpeg\0\x01", "ETag: \0\x1b[31m")),
    Case("header-no-colon", "A header line without a colon.", FETCHED,
         says(_OK + b"nonsense\r\n\r\n" + PHOTOGRAPH)),
)  # fmt: skip
