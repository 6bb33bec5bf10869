"""Every reason code a verdict can carry: the stage that gives it, what it means, and what to do about it."""

from enum import StrEnum

_AGAIN = "`--refetch failed` asks again."


class Reason(StrEnum):
    """A reason code; `stage` names who gives it, `sentence` says what it means, and `remedy` what can be done."""

    stage: str
    sentence: str
    remedy: str

    def __new__(cls, code: str, stage: str = "", sentence: str = "", remedy: str = "") -> "Reason":
        """Makes the text of a code carry its stage, what it means, and what can be done about it."""
        member = str.__new__(cls, code)
        member._value_, member.stage, member.sentence, member.remedy = code, stage, sentence, remedy
        return member

    KEPT = "kept", "publish", "In the dataset: kept by its class, boxed and assigned to a split."
    DUPLICATE_ROW = (
        "duplicate-row",
        "sources",
        "The list names this image before, with the same address.",
        "Nothing: the first of these rows stands.",
    )
    NO_CLASS = (
        "no-class",
        "sources",
        "The list gives no class for it.",
        "Give it a class; the evidence names the line.",
    )
    INVALID_URL = "invalid-url", "acquire", "Not an http or https address.", "Correct the address in the list."
    BLOCKED_ADDRESS = (
        "blocked-address",
        "acquire",
        "Leads to a private, loopback or otherwise internal address, or to an unusual port.",
        "If you trust the host: `--allow-host HOST:PORT`.",
    )
    UNKNOWN_HOST = "unknown-host", "acquire", "The host's name does not resolve.", _AGAIN
    CONNECTION_FAILED = "connection-failed", "acquire", "The host refused, reset or broke the connection.", _AGAIN
    TIMEOUT = "timeout", "acquire", "No answer, or no complete one, within the limits.", _AGAIN
    HTTP_ERROR = "http-error", "acquire", "The host answered with an error status; the evidence has it.", _AGAIN
    HOST_UNAVAILABLE = (
        "host-unavailable",
        "acquire",
        "Not asked, or not again: its host failed too often in this run, or asked to be left alone for long.",
        _AGAIN,
    )
    ROBOTS_DISALLOWED = (
        "robots-disallowed",
        "acquire",
        "The host's robots.txt does not allow the address.",
        "Ask the host's owner for leave, or take the row out.",
    )
    OPTED_OUT = (
        "opted-out",
        "acquire",
        "The host says, in X-Robots-Tag, that the image is not to be used.",
        "Take the row out; nothing turns this off.",
    )
    REDIRECT_LIMIT = (
        "redirect-limit",
        "acquire",
        "Redirected in a circle or too often.",
        "Open the address in a browser, and list where it ends.",
    )
    TOO_LARGE = "too-large", "acquire", "The body is longer than the limit.", "Limit: `[acquire] max_bytes`."
    TRUNCATED_BODY = "truncated-body", "acquire", "The body ended before its declared length.", _AGAIN
    NOT_AN_IMAGE = (
        "not-an-image",
        "acquire",
        "The body is not of an accepted image format.",
        "Open the address: a page about the picture, or a login, is listed in place of the picture.",
    )
    BROKEN_IMAGE = (
        "broken-image",
        "acquire",
        "An image whose pixels can't be decoded to its end without damage.",
        "`--refetch failed` fetches it again; if it stays so, the file is damaged where it lies.",
    )
    TRUNCATED_IMAGE = (
        "truncated-image",
        "acquire",
        "The file ends, or its picture does, before all rows are there.",
        "`--refetch failed` fetches it again; if it stays so, the file is damaged where it lies.",
    )
    BLANK_IMAGE = "blank-image", "acquire", "All pixels are of one colour.", "Nothing: there is nothing to match."
    TOO_SMALL = "too-small", "acquire", "The shorter side is below the limit.", "Limit: `[acquire] min_side`."
    TOO_MANY_PIXELS = (
        "too-many-pixels",
        "acquire",
        "The header announces more pixels than the limit.",
        "Limit: `[acquire] max_pixels`.",
    )
    CRASHED_DECODER = (
        "crashed-decoder",
        "acquire",
        "The process that decoded it died of it, twice.",
        "Save the picture anew with another program, and list that file.",
    )
    HUNG_DECODER = (
        "hung-decoder",
        "acquire",
        "It was not decoded within the time limit.",
        "Limit: `[acquire] inspect_timeout`.",
    )
    TOO_MUCH_MEMORY = (
        "too-much-memory",
        "acquire",
        "Decoding it takes more memory than is allowed.",
        "Limit: `[acquire] max_pixels`; or list a smaller copy of the picture.",
    )
    PLACEHOLDER = (
        "placeholder",
        "acquire",
        "The same pixels came from many addresses or classes: a stand-in.",
        "If it is a true photograph: `[select] placeholder_addresses`.",
    )
    DUPLICATE_IMAGE = (
        "duplicate-image",
        "acquire",
        "The same pixels as another image of the class.",
        "Nothing: the other one stands.",
    )
    AMBIGUOUS_CLASS = (
        "ambiguous-class",
        "acquire",
        "The same pixels stand in another class too.",
        '`[select] ambiguous = "keep"` keeps it in both.',
    )
    DRAWING = (
        "drawing",
        "acquire",
        "Seen to be drawn or set, not photographed; the evidence says by what.",
        '`[select] drawings = "keep"` keeps them all; single ones can then be dropped by hand.',
    )
    CLASS_TOO_SMALL = (
        "class-too-small",
        "acquire",
        "Too few readable images in the class to compare.",
        "List more images of the class, or lower `[select] min_class_size`.",
    )
    TEST_COPY = (
        "test-copy",
        "overlap",
        "The same photograph as one of a test set.",
        "Nothing: it must not train what the set tests.",
    )
    TEST_LANDMARK = (
        "test-landmark",
        "overlap",
        "Shows the same thing as a photograph of a test set.",
        "Look at the match in the report. For a false one, raise the bar: `[match] false_alarms`.",
    )
    TEST_LANDMARK_CLASS = (
        "test-landmark-class",
        "overlap",
        "Its class shows a landmark of a test set.",
        'Look at the matches. `[overlap] policy = "images"` drops the images and keeps the class.',
    )
    DROPPED_BY_HAND = (
        "dropped-by-hand",
        "cluster",
        "A person dropped it; the evidence says why.",
        "To have it back, take it out of the section `[drop]` of the overrides.",
    )
    NO_MATCH = (
        "no-match",
        "cluster",
        "No other image of the class shows the same thing.",
        "Look in the report. If many are right, the class needs more photographs of the same view.",
    )
    FEW_NEIGHBOURS = (
        "few-neighbours",
        "cluster",
        "Fewer other photographs show the same thing than the policy asks for.",
        "Limit: `[cluster] min_neighbours`.",
    )
    SMALLER_GROUP = (
        "smaller-group",
        "cluster",
        "In another group than the one its class keeps.",
        "If the wrong group is kept, pin the right one: `--overrides`.",
    )
    SMALL_GROUP = (
        "small-group",
        "cluster",
        "Its class would keep it, but has too few such photographs.",
        "Limit: `[cluster] min_group_size`; or list more images of the class.",
    )
    OTHER_CLASS = (
        "other-class",
        "classes",
        "Shows what another class is about: more photographs match it there, and no smaller share.",
        "If both classes are one landmark, merge them: `--overrides`.",
    )


class PassedOver(StrEnum):
    """Why a file was passed over: it has no row in a list, or was not compared with anything.

    Photographs that can't be read carry the code of a `Reason`. `counts` says whether a photograph may have been
    missed, so that nobody can say that nothing is shared; `sentence` what it means.
    """

    sentence: str
    counts: bool

    def __new__(cls, code: str, sentence: str = "", counts: bool = True) -> "PassedOver":
        """Makes the text of a code carry a sentence on what it means, and whether a photograph may be missed."""
        member = str.__new__(cls, code)
        member._value_, member.sentence, member.counts = code, sentence, counts
        return member

    NO_PHOTOGRAPH = "no-photograph", "Text by its bytes, or what a file manager left, and named like no picture.", False
    SPECIAL_FILE = "special-file", "A pipe, socket or device.", False
    LINKED_LOOP = "linked-loop", "A link to a folder that it lies in, whose files are looked at there.", False
    KNOWN_CORRUPT = "known-corrupt", "Corrupt by the authors of the test set, and in no list of theirs.", False
    LINKED_OUT = "linked-out", "A link that leads out of the given folder, which is not followed."
    BROKEN_LINK = "broken-link", "A link to nothing."
    NO_ACCESS = "no-access", "A file or folder that can't be opened."
    ABSENT = "absent", "A photograph that the ground truth names and the folder lacks."
    CRASHED_DETECTOR = "crashed-detector", "The process that looked for its keypoints died of it, twice."
    NO_KEYPOINTS = "no-keypoints", "Readable, but nothing in it can be compared."


def may_be_missed(reason: str) -> bool:
    """Returns whether a photograph may have been missed where a file was passed over for this reason."""
    return reason not in {str(known) for known in PassedOver if not known.counts}
