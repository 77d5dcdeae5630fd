# What a developer runs; https://just.systems

# List the recipes
default:
    @just --list

# Everything that must hold before a commit
check:
    uv run ruff format --check
    uv run ruff check
    uv run mypy
    uv run lint-imports
    uv run pytest

# Run the tests, or some of them: just test tests/unit
test *arguments:
    uv run pytest {{arguments}}

# Put the code into its one form and mend what can be mended
format:
    uv run ruff format
    uv run ruff check --fix

# Run each asv benchmark once and keep nothing
bench-smoke:
    uv run asv check
    uv run asv run --quick --dry-run --show-stderr

# Make the page and the asv site of the results at hand
report:
    uv run trackbench report
    uv run asv publish
