"""What the settings of all stages have in common."""

from pydantic import BaseModel, ConfigDict


class StageSettings(BaseModel):
    """The knobs of a stage: frozen, and an unknown name is an error rather than a silent default."""

    model_config = ConfigDict(frozen=True, extra="forbid")
