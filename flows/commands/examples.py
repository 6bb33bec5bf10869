"""An example or two of each command, for its `--help`."""

_EXAMPLES = {
    "init": ("cairn init ./landmarks --list landmarks.csv", "cairn init ./landmarks --name towers --with training"),
    "settings": ("cairn settings > settings.toml", "cairn settings match", "cairn settings --flow train --json"),
    "plan": ("cairn plan landmarks.csv", "cairn plan intern.csv --allow-host pictures.intern"),
    "curate": (
        "cairn curate landmarks.csv --name landmarks --test-set oxford5k=./oxford5k --contact me@example.org",
        "cairn curate ./photographs --name photographs --overrides overrides.toml",
    ),
    "certify": ("cairn certify latest --test-set paris6k=./paris6k", "cairn certify ./set --test-set o=./oxford5k"),
    "download": ("cairn download oxford5k ./oxford5k", "cairn download roxford5k ./roxford5k"),
    "versions": ("cairn versions", "cairn versions --root /data/landmarks --json"),
    "verify": ("cairn verify", "cairn verify 1 --kind indexes"),
    "report": ("cairn report --open", "cairn report --version 1"),
    "why": ("cairn why a1b2", "cairn why https://example.org/tower.jpg", "cairn why a1b2c3d4 --version 1 --json"),
    "diff": ("cairn diff 1", "cairn diff 1 2 --verbose", "cairn diff 1 latest --open"),
    "compare": ("cairn compare latest --reference train_clean.csv",),
    "promote": ("cairn promote 3", 'cairn promote 3 --reason "the lost classes were wrong"'),
    "reject": ('cairn reject 3 --reason "a host was down"',),
    "gc": ("cairn gc --keep 2", "cairn gc --keep 2 --delete"),
    "serve": ("cairn serve", "cairn serve --root /data/landmarks --port 8080"),
    "export": (
        "cairn export --format imagefolder --out ./set",
        "cairn export 2 --format coco --out ./coco --copy --split-by class",
    ),
    "train": ("cairn train", "cairn train 2 --test-set roxford5k=./roxford5k --processes 2"),
    "networks": ("cairn networks", "cairn networks --json"),
    "index": ("cairn index --network latest", "cairn index --like latest --test-set roxford5k=./roxford5k"),
    "indexes": ("cairn indexes", "cairn indexes --json"),
    "search": (
        "cairn search photo.jpg --box 120 40 610 420 --expand 10",
        'cairn search --text "a dog on a beach"',
        'cairn search photo.jpg --text "at night"',
    ),
    "evaluate": ("cairn evaluate roxford5k=./roxford5k", "cairn evaluate rparis6k=./rparis6k --index 2 --device cuda"),
    "captions run": ("cairn captions run", "cairn captions run region_descriptions.json.zip objects.json.zip"),
    "captions near": ("cairn captions near 2407890", 'cairn captions near --text "a dog on a beach" -k 5'),
    "captions encode": ("cairn captions encode phrases.csv --output ./encoded",),
    "captions list": ("cairn captions list --out list.csv", "cairn captions list 2 --out list.csv --name coco"),
    "captions score": (
        "cairn captions score --index photos/2 --index photos/1",
        "cairn captions score --index photos/2 --triplets answers.csv --out scores.csv",
    ),
    "captions versions": ("cairn captions versions",),
    "captions verify": ("cairn captions verify",),
    "triplets collect": ("cairn triplets collect --folder ./photographs --out answers.csv",),
    "triplets agree": ("cairn triplets agree answers.csv",),
    "up": ("cairn up", "cairn up --port 4300 --gpus 2"),
    "down": ("cairn down",),
    "deploy": ("cairn deploy --gpus 1",),
}


def examples_of(command: str) -> str:
    """Returns the examples of a command, such as `captions run`, as the last paragraphs of its help."""
    return "\n\n".join(["Examples:", *(f"    {line}" for line in _EXAMPLES[command])])
