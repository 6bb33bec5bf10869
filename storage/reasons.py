"""Every reason code a verdict can carry, with the stage that gives it and a sentence for the report."""

from enum import StrEnum


class Reason(StrEnum):
    """A reason code; `stage` names who gives it and `sentence` says what it means."""

    stage: str
    sentence: str

    def __new__(cls, code: str, stage: str = "", sentence: str = "") -> "Reason":
        """Makes the text of a code carry its stage and a sentence on what it means."""
        member = str.__new__(cls, code)
        member._value_, member.stage, member.sentence = code, stage, sentence
        return member

    KEPT = "kept", "publish", "In the dataset: kept by its class, boxed and assigned to a split."
    DUPLICATE_ROW = "duplicate-row", "sources", "The list names this image before, with the same address."
    NO_CLASS = "no-class", "sources", "The list gives no class for it."
    INVALID_URL = "invalid-url", "acquire", "Not an http or https address."
    BLOCKED_ADDRESS = (
        "blocked-address",
        "acquire",
        "Leads to a private, loopback or otherwise internal address, or to an unusual port.",
    )
    UNKNOWN_HOST = "unknown-host", "acquire", "The host's name does not resolve."
    CONNECTION_FAILED = "connection-failed", "acquire", "The host refused, reset or broke the connection."
    TIMEOUT = "timeout", "acquire", "No answer, or no complete one, within the limits."
    HTTP_ERROR = "http-error", "acquire", "The host answered with an error status; the evidence has it."
    HOST_UNAVAILABLE = (
        "host-unavailable",
        "acquire",
        "Not asked, or not again: its host failed too often in this run, or asked to be left alone for long.",
    )
    ROBOTS_DISALLOWED = "robots-disallowed", "acquire", "The host's robots.txt does not allow the address."
    OPTED_OUT = "opted-out", "acquire", "The host says, in X-Robots-Tag, that the image is not to be used."
    REDIRECT_LIMIT = "redirect-limit", "acquire", "Redirected in a circle or too often."
    TOO_LARGE = "too-large", "acquire", "The body is longer than the limit."
    TRUNCATED_BODY = "truncated-body", "acquire", "The body ended before its declared length."
    NOT_AN_IMAGE = "not-an-image", "acquire", "The body is not of an accepted image format."
    BROKEN_IMAGE = "broken-image", "acquire", "An image whose pixels can't be decoded to its end without damage."
    TRUNCATED_IMAGE = "truncated-image", "acquire", "The file ends, or its picture does, before all rows are there."
    BLANK_IMAGE = "blank-image", "acquire", "All pixels are of one colour."
    TOO_SMALL = "too-small", "acquire", "The shorter side is below the limit."
    TOO_MANY_PIXELS = "too-many-pixels", "acquire", "The header announces more pixels than the limit."
    CRASHED_DECODER = "crashed-decoder", "acquire", "The process that decoded it died of it, twice."
    HUNG_DECODER = "hung-decoder", "acquire", "It was not decoded within the time limit."
    TOO_MUCH_MEMORY = "too-much-memory", "acquire", "Decoding it takes more memory than is allowed."
    PLACEHOLDER = "placeholder", "acquire", "The same pixels came from many addresses or classes: a stand-in."
    DUPLICATE_IMAGE = "duplicate-image", "acquire", "The same pixels as another image of the class."
    AMBIGUOUS_CLASS = "ambiguous-class", "acquire", "The same pixels stand in another class too."
    CLASS_TOO_SMALL = "class-too-small", "acquire", "Too few readable images in the class to compare."
    TEST_COPY = "test-copy", "overlap", "The same photograph as one of a test set."
    TEST_LANDMARK = "test-landmark", "overlap", "Shows the same thing as a photograph of a test set."
    TEST_LANDMARK_CLASS = "test-landmark-class", "overlap", "Its class shows a landmark of a test set."
    NO_MATCH = "no-match", "cluster", "No other image of the class shows the same thing."
    FEW_NEIGHBOURS = (
        "few-neighbours",
        "cluster",
        "Fewer other photographs show the same thing than the policy asks for.",
    )
    SMALLER_GROUP = "smaller-group", "cluster", "In another group than the one its class keeps."
    SMALL_GROUP = "small-group", "cluster", "Its class would keep it, but has too few such photographs."
    OTHER_CLASS = (
        "other-class",
        "classes",
        "Shows the landmark of another class, where more photographs match it.",
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
    """Whether a photograph may have been missed where a file was passed over for this reason."""
    return reason not in {str(known) for known in PassedOver if not known.counts}
