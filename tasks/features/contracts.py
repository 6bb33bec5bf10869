"""A packet of whole classes as the stages after `features` and `mask` see it."""

from storage.tables.acquisition import ImagesRef
from storage.tables.features import FeaturesRef, MasksRef
from tasks.contracts import Inputs


class Packet(Inputs):
    """The images of a packet, the keypoints of their pictures, and which of these lie under overlays."""

    images: ImagesRef
    features: FeaturesRef
    masks: MasksRef
