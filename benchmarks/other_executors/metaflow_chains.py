"""Seven chains of five empty steps with Metaflow: ``python metaflow_chains.py --quiet run --max-workers 2``.

Metaflow also requires a first step, a join and a last step: 38 tasks.
"""
# mypy: disable-error-code="untyped-decorator"

from metaflow import FlowSpec, step  # type: ignore[import-not-found]


class Chains(FlowSpec):  # type: ignore[misc]
    """Every step passes on the text with one more character."""

    @step
    def start(self) -> None:
        """Fan out."""
        self.chains = list(range(7))
        self.next(self.one, foreach="chains")

    @step
    def one(self) -> None:
        """Start a chain."""
        self.text = "."
        self.next(self.two)

    @step
    def two(self) -> None:
        """Continue the chain."""
        self.text += "."
        self.next(self.three)

    @step
    def three(self) -> None:
        """Continue the chain."""
        self.text += "."
        self.next(self.four)

    @step
    def four(self) -> None:
        """Continue the chain."""
        self.text += "."
        self.next(self.five)

    @step
    def five(self) -> None:
        """End a chain."""
        self.text += "."
        self.next(self.join)

    @step
    def join(self, inputs: list["Chains"]) -> None:
        """Join the chains."""
        self.texts = [given.text for given in inputs]
        self.next(self.end)

    @step
    def end(self) -> None:
        """Check that all texts were passed on."""
        if self.texts != ["." * 5] * 7:
            raise ValueError(self.texts)


if __name__ == "__main__":
    Chains()
