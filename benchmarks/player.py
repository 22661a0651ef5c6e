#!/usr/bin/env -S python3 -S -E
"""Plays the jobs of `benchmarks/size.py`: called as `player.py -c "<command of a rule>"`, it writes what they would."""
# ruff: noqa: PTH103, PTH120, PTH123  # pathlib would double the time that it takes to start

import json
import os
import sys

WORDS = sys.argv[-1]
HOME = "results/affwild2"
CLIPS = [f"video{number}" for number in range(594)]
SHA = "0123456789abcdef" * 4


def main():
    words = WORDS.split(" -m abaw_pipeline ")[-1].split(" > ")[0].split()
    words = words[2:] if words[0] == "--config" else words
    if words[0] in ("summary", "--version"):
        return
    PLAYED[words[0]](words[1:])


def write(path, value):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as stream:
        stream.write(value if isinstance(value, str) else json.dumps(value, indent=1))


def manifest(path, clips, entry, about=None):
    write(path, {"about": about or {"key": SHA}, "clips": dict.fromkeys(clips, entry), "skipped": []})


def folders(home, names):
    for name in names:
        os.makedirs(f"{home}/{name}", exist_ok=True)


def shard_clips(shard):
    import zlib

    return [clip for clip in CLIPS if zlib.crc32(clip.encode()) % 16 == int(shard)]


def index(words):
    manifest(f"{HOME}/clips.json", CLIPS, {"digest": SHA, "recording": "x" * 40, "video": "y" * 60, "splits": {}})
    write(f"{HOME}/labels/va.npz", "labels")
    write(f"{HOME}/samples/va.txt", "sample")


def media(words):
    clips = shard_clips(words[2])
    manifest(
        f"{HOME}/manifests/media/{words[2]}.json", clips, {"contents": [SHA] * 3, "keys": [SHA] * 3, "frames": 5000}
    )
    for clip in clips:
        for part in ("clock.h5", "faces.h5", "sound.h5"):
            write(f"{HOME}/media/{clip}/{part}", "")


ENTRY = {"key": SHA, "content": SHA, "rows": 5000, "valid": 4800, "libraries": "numpy 2.4.6, torch 2.13.0"}
SPEC = {"key": SHA, "spec": {"dimension": 512, "dtype": "float16"}}


def extract(words):
    clips = shard_clips(words[3])
    folders(f"{HOME}/features/{words[1]}.zarr", clips)
    manifest(f"{HOME}/manifests/features/{words[1]}/{words[3]}.json", clips, ENTRY, SPEC)


def join(words):
    manifest(f"{HOME}/features/{words[1]}.json", CLIPS, ENTRY, SPEC)


def train(words):
    home = f"{HOME}/models/{words[0]}/{words[2]}-{words[4]}"
    data = {clip: ["0" * 16, "1" * 16, "2" * 16] for clip in CLIPS[:442]}
    write(f"{home}/model.json", {"key": SHA, "data": data})
    write(f"{home}/weights.safetensors", "")
    write(f"{home}/history.csv", "")


def infer(words):
    base = f"{HOME}/predictions/{words[0]}/{words[2]}-{words[4]}"
    clips = CLIPS[: 442 // 6] + CLIPS[442:]
    folders(f"{base}.zarr", clips)
    manifest(f"{base}.json", clips, {"key": SHA, "content": SHA, "rows": 5000, "role": "test"})


def ensemble(words):
    folders(f"{HOME}/ensembles/{words[0]}.zarr", CLIPS)
    manifest(f"{HOME}/ensembles/{words[0]}.json", CLIPS, {"key": SHA, "content": SHA, "rows": 5000})


def submit(words):
    write(f"{HOME}/submissions/{words[0]}/va.txt", "rows")
    write(f"{HOME}/submissions/{words[0]}/va.zip", "rows")
    write(f"{HOME}/submissions/{words[0]}/va.provenance.json", "{}")


def report(words):
    write("results/report/index.html", "page")


PLAYED = {play.__name__: play for play in (index, media, extract, join, train, infer, ensemble, submit, report)}

if __name__ == "__main__":
    main()
