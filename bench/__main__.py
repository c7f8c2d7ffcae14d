"""`python -m bench FIGURE`: starts the bench company, measures, ends with one line a bar: NAME VALUE."""

import sys

from bench.figures import FIGURES
from bench.server import company


def main(arguments: list[str]) -> int:
    """Returns the exit code: 2 for an unknown figure."""
    wanted = list(FIGURES) if arguments in ([], ["all"]) else arguments
    unknown = [name for name in wanted if name not in FIGURES]
    if unknown:
        print(f"no figure {', '.join(unknown)}; there are: {', '.join(FIGURES)}", file=sys.stderr)
        return 2
    bars: dict[str, float] = {}
    for name in wanted:
        print(f"\n{name}: {FIGURES[name].__doc__}", flush=True)
        with company() as server:  # a fresh server a figure: none inherits another's memory
            bars.update(FIGURES[name](server))
    print()
    for bar, value in bars.items():
        print(f"{bar} {value:.4g}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
