"""A road without Prefect, for what is measured beside it or needs none of it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from pydantic import BaseModel

from storage.root import Root
from tasks.orchestration import Inputs, Output, Stage, stage_key


class PlainRoad:
    """A road whose stages are plain functions, carried out by threads; it remembers nothing and retries nothing."""

    def __init__(self, root: Root, pool: ThreadPoolExecutor) -> None:
        self.root, self.calls, self._pool = root, 0, pool

    def one(self, stage: Stage, inputs: Inputs, settings: BaseModel | None) -> Output:
        """Runs a stage once."""
        return self.each(stage, {"": inputs}, settings)[""]

    def each(self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None) -> dict[str, Output]:
        """Runs a stage once for each of the inputs."""
        return self._each(self._pool, stage, inputs, settings)

    def each_here(
        self, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None, at_once: int
    ) -> dict[str, Output]:
        """The same with so many threads."""
        with ThreadPoolExecutor(at_once) as pool:
            return self._each(pool, stage, inputs, settings)

    def _each(
        self, pool: ThreadPoolExecutor, stage: Stage, inputs: Mapping[str, Inputs], settings: BaseModel | None
    ) -> dict[str, Output]:
        self.calls += len(inputs)
        futures = {
            label: pool.submit(stage.fn, self.root.url, stage_key(stage, part, settings), part, settings)
            for label, part in inputs.items()
        }
        return {label: Output.model_validate(future.result()) for label, future in futures.items()}
