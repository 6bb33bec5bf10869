"""The steps of the funnel: what is left of the list, and which stages drop what is not."""

STEPS: dict[str, tuple[str, ...]] = {
    "in the list": (),
    "named once, with a class": ("sources",),
    "readable, once, in classes large enough": ("acquire",),
    "shared with no test set": ("overlap",),
    "in the largest group of their class": ("cluster",),
    "in the class that shows them most": ("classes",),
}
"""The text of each step, in the order of the stages, and the stages whose drops come between it and the step before."""
