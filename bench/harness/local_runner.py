"""A stage runner without Prefect, for what is measured beside it or needs none of it."""

from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor

from storage.root import Root
from tasks.contracts import I, O, Run, S, Stage


class LocalRunner:
    """Calls stages as plain functions, by threads; it remembers nothing and retries nothing."""

    def __init__(self, root: Root, pool: ThreadPoolExecutor) -> None:
        self.root, self.calls, self._pool = root, 0, pool

    def one(self, stage: Stage[I, S, O], inputs: I, settings: S) -> O:
        """Runs a stage once."""
        return self.each(stage, {"": inputs}, settings)[""]

    def each(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S) -> dict[str, O]:
        """Runs a stage once for each of the inputs."""
        return self._each(self._pool, stage, inputs, settings)

    def each_here(self, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S, at_once: int) -> dict[str, O]:
        """Runs a stage once for each of the inputs, with so many threads."""
        with ThreadPoolExecutor(at_once) as pool:
            return self._each(pool, stage, inputs, settings)

    def _each(
        self, pool: ThreadPoolExecutor, stage: Stage[I, S, O], inputs: Mapping[str, I], settings: S
    ) -> dict[str, O]:
        self.calls += len(inputs)
        futures = {
            label: pool.submit(stage, Run(self.root, stage.key(part, settings)), part, settings)
            for label, part in inputs.items()
        }
        return {label: future.result() for label, future in futures.items()}
