"""What the settings of all stages have in common."""

from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, ValidationError, model_validator

from storage.errors import InputError


class StageSettings(BaseModel):
    """The knobs of a stage: frozen, and an unknown name is an error rather than a silent default.

    Numbers are finite: JSON, as which a process of its own is told them, has no others.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _fill_sections(cls, told: Any) -> Any:
        """What a section leaves out is as in these settings' own default of it, not as in the section's class."""
        if not isinstance(told, dict):
            return told
        defaults = {name: field.default for name, field in cls.model_fields.items()}
        return {
            name: {**defaults[name].model_dump(exclude_unset=True), **value}
            if isinstance(value, dict) and isinstance(defaults.get(name), StageSettings)
            else value
            for name, value in told.items()
        }


S = TypeVar("S", bound=StageSettings)


def settings_of_manifest(told: Any, kind: type[S]) -> S:
    """Returns the settings of a stage as a manifest tells them, perhaps of another version of this program.

    Raises:
        InputError: it tells of what there is none of.
    """
    try:
        return kind.model_validate(told)
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "its settings"
        raise InputError(
            f"the manifest tells of settings that this version of Cairn does not know: {name}: {first['msg']}; run "
            "the command that made it again"
        ) from error
