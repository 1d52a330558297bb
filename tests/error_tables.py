"""What is refused, and in which words: tables that the tests of the commands and the golden test share."""

from __future__ import annotations

OUT = ["-o", "out.png"]
LONG = "x" * 300 + ".png"

EXIT_CODES = [
    (["swap", "none.jpg", "party.jpg", *OUT], "BrightSquares", 3, "none.jpg: there is no such file"),
    (["swap", "me.jpg", "text.png", *OUT], "BrightSquares", 3, "text.png"),
    (["swap", "me.jpg", ".", *OUT], "BrightSquares", 3, "is a folder"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--max-pixels", "100"], "BrightSquares", 3, "--max-pixels 3072"),
    (["swap", "me.jpg", "http://127.0.0.1:9/a.png", *OUT], "BrightSquares", 3, "--allow-private-urls"),
    (["swap", "dark.png", "party.jpg", *OUT], "BrightSquares", 4, "dark.png: no face found"),
    (["swap", "me.jpg", "dark.png", *OUT], "BrightSquares", 4, "no face found in dark.png"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--target-index", "3"], "BrightSquares", 4, "1 no-such-face"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--source-index", "3"], "BrightSquares", 2, "source index 3"),
    (["swap", "me.jpg", "party.jpg", *OUT], "FailsToPlan", 5, "the session failed"),
    (["swap", "me.jpg", "party.jpg", "-o", "none/out.png"], "BrightSquares", 1, "create it first"),
    (["swap", "me.jpg", "party.jpg", "-o", "party.jpg"], "BrightSquares", 2, "also an input"),
    (["swap", "me.jpg", "party.jpg", "-o", "me.jpg", "--overwrite"], "BrightSquares", 2, "never replaced"),
    (["swap-gif", "me.jpg", "party.jpg", "-o", "./me.jpg", "--overwrite"], "BrightSquares", 2, "never replaced"),
    (["swap", "me.jpg", "party.jpg", "-o", "dark.png", "--reference", "dark.png", "--overwrite"], "BrightSquares", 2,
     "never replaced"),
    (["batch", "me.jpg", "party.jpg", "-o", ".", "--name", "me.jpg", "--overwrite"], "BrightSquares", 2,
     "is an input"),
    (["swap", "me.jpg", "party.jpg", "-o", "out.xyz"], "BrightSquares", 2, "--image-format"),
    (["swap", "me.jpg", "party.jpg", "-o", "out.png", "--image-format", "jpg"], "BrightSquares", 2, "--image-format"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--target-index", "0,,1"], "BrightSquares", 2, "--target-index"),
    (["swap", "me.jpg", "party.jpg", *OUT, "--image-quality", "9"], "BrightSquares", 2, "--image-quality"),
    (["swap-gif", "me.jpg", "party.jpg", "-o", "out.gif"], "BrightSquares", 2, "use `faceswap swap`"),
    (["swap-gif", "me.jpg", "party.jpg", "-o", "out.gif", "--file-type", "jpeg"], "BrightSquares", 2, "--file-type"),
    (["swap", "", "party.jpg", *OUT], "BrightSquares", 3, "the name of an input is empty"),
    (["swap", "me.jpg", "", *OUT], "BrightSquares", 3, "the name of an input is empty"),
    (["detect", ""], "BrightSquares", 3, "the name of an input is empty"),
    (["swap", "me.jpg", "party.jpg", "-o", ""], "BrightSquares", 2, "the name of the output is empty"),
    (["swap", "me.jpg", "party.jpg", "-o", LONG], "BrightSquares", 1, "the name is too long"),
    (["swap", LONG, "party.jpg", *OUT], "BrightSquares", 3, "name too long"),
    (["detect", "party.jpg", "--annotate", LONG], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--annotate", LONG[:-4] + "/"], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--crops", LONG], "BrightSquares", 1, "name too long"),
    (["detect", "party.jpg", "--crops", ""], "BrightSquares", 2, "is empty"),
    (["detect", "party.jpg", "--order", "none"], "BrightSquares", 2, "'--order': 'none' is not"),
    (["detect", "dark.png"], "BrightSquares", 4, "no face found"),
    (["detect", "dark.png", "none.png"], "BrightSquares", 3, "none.png"),
    (["detect", "party.jpg", "me.jpg", "--annotate", "out.png"], "BrightSquares", 2, "name a folder"),
]
"""(arguments, backend, exit code, words)"""

AS_JSON = [
    (["swap", "me.jpg", "none.jpg", "-o", "out.png"], "InputError", 3),
    (["swap", "me.jpg", "dark.png", "-o", "out.png"], "NoFaceError", 4),
    (["swap", "me.jpg", "party.jpg", "-o", "out.png", "--target-index", "1,x"], "UsageError", 2),
    (["swap", "me.jpg", "party.jpg", "-o", "-"], "UsageError", 2),
    (["swap", "me.jpg", "party.jpg"], "MissingParameter", 2),
    (["swap", "me.jpg", "party.jpg", "-o", "out.png", "--order", "sideways"], "BadParameter", 2),
]
"""(arguments, type, exit code)"""

BATCH = [
    (["party.jpg", "-o", "out"], 2, "nothing to change was named"),
    (["-o", "out"], 2, "SOURCE is missing"),
    (["-", "party.jpg", "-o", "out"], 2, "cannot be the source of a batch"),
    (["me.jpg", "-", "--files-from", "-", "-o", "out"], 2, "only once"),
    (["none.jpg", "party.jpg", "-o", "out"], 3, "none.jpg: there is no such source"),
    (["dark.png", "party.jpg", "group.jpg", "-o", "out"], 4, "dark.png: no face found"),
    (["text.png", "party.jpg", "group.jpg", "-o", "out"], 3, "text.png"),
    (["me.jpg", "party.jpg", "-o", "out", "--source-index", "3"], 2, "source index 3"),
    (["me.jpg", "party.jpg", "-o", "out", "--workers", "none"], 2, "--workers none"),
    (["me.jpg", "party.jpg", "-o", "out", "--max-memory", "2X"], 2, "--max-memory 2X"),
    (["me.jpg", "party.jpg", "-o", "out", "--timeout", "0"], 2, "--timeout 0"),
    (["me.jpg", "party.jpg", "-o", "out", "--shard", "3/3"], 2, "--shard"),
    (["me.jpg", "party.jpg", "-o", "out", "--num-gpus", "1"], 2, "--executor ray"),
    (["me.jpg", "party.jpg", "-o", "out", "--name", "{colour}"], 2, "colour"),
    (["me.jpg", "party.jpg", "dark.png", "-o", "out", "--name", "same.png"], 2, "same.png"),
    (["me.jpg", "party.jpg", "-o", "out", "--report", "."], 1, "it is a folder"),
    (["me.jpg", "party.jpg", "-o", "out", "--journal", ""], 2, "--journal is empty"),
    (["me.jpg", "party.jpg", "-o", "text.png"], 2, "text.png is no folder"),
]
"""(arguments after `batch --workers 1`, exit code, words)"""

MODELS = [
    (["import", "none.onnx"], 3, "none.onnx cannot be read"),
    (["import", "."], 3, "cannot be read"),
    (["import", ""], 3, "the name of the file is empty"),
    (["import", "page.onnx"], 5, "page.onnx"),
    (["import", "page.onnx", "--as", "inswapper_128"], 2, "whose hash is known"),
    (["import", "page.onnx", "--as", "none"], 2, "there is no model 'none'"),
    (["import", "page.onnx", "--family", "none"], 2, "--family"),
    (["import"], 2, "Missing argument"),
    (["pull"], 2, "Missing argument"),
    (["pull", "inswaper_128"], 2, "did you mean inswapper_128"),
    (["pull", "hyperswap_1a_256", "--accept-license"], 5, "faceswap models import FILE --as hyperswap_1a_256"),
    (["pull", "gfpgan_1.3", "--accept-license"], 5, "faceswap models import GFPGANv1.3.pth"),
    (["path", "buffalo_l"], 5, "is a pack"),
    (["path", "none"], 2, "there is no model 'none'"),
    (["verify", "none"], 2, "there is no model 'none'"),
    (["remove"], 2, "Missing argument"),
    (["remove", "none"], 2, "there is no model 'none'"),
    (["remove", "inswapper_128", "xseg"], 5, "inswapper_128, xseg; nothing was removed"),
    (["list", "--models-dir", ""], 2, "--models-dir is empty"),
    (["none"], 2, "No such command"),
]
"""(arguments after `models`, exit code, words)"""

REMOTE = [
    (["--source", "me.jpg", "--remote"], b"--source cannot be used with --remote"),
    (["--swap-size", "256", "--remote"], b"--swap-size cannot be used with --remote"),
    (["--reference-threshold", "0.5", "--remote"], b"--reference-threshold cannot be used with --remote"),
    (["--trim", "1-2", "--remote"], b"--trim cannot be used with --remote"),
    (["--keep-metadata", "--remote"], b"--keep-metadata cannot be used with --remote"),
    (["--no-keep-fps", "--remote"], b"--no-keep-fps cannot be used with --remote"),
    (["--engine", "neural", "--remote"], b"--engine cannot be used with --remote"),
    (["--on-no-face", "skip", "--remote"], b"--on-no-face skip cannot be used with --remote"),
    (["--remote-mode", "sync"], b"--remote-mode is for --remote"),
    (["--fallback", "local"], b"--fallback is for --remote"),
    (["--remote", "--remote-timeout", "0"], b"--remote-timeout 0 is outside"),
    (["--remote", "--remote-url", "ftp://example.org"], b"not an http or https URL"),
]
"""(options of `swap`, words)"""

REMOTE_BATCH = [
    (["--max-cost", "1"], b"--max-cost needs --cost-per-request"),
    (["--max-cost", "1", "--cost-per-request", "2"], b"does not pay for one request"),
    (["--workers", "2"], b"--workers cannot be used with --remote"),
    (["--timeout", "2"], b"--timeout cannot be used with --remote"),
    (["--on-no-face", "skip"], b"--on-no-face skip cannot be used with --remote"),
    (["--mask", "hull", "--dry-run"], b"--mask cannot be used with --remote"),
]
"""(options of `batch --remote`, words)"""

OUT_OF_RANGE = [
    (("--swap-size", "200"), "multiple of 128"), (("--swap-size", "2048"), "128..1024"),
    (("--detector-size", "100"), "multiple of 32"), (("--mask", "box,oval"), "oval"),
    (("--restore-weight", "1.5"), "0..1"), (("--device", "-1"), "0 or more"),
]
"""(options of `swap`, words)"""

BENCH = [
    (("--clip", "big"), "WIDTHxHEIGHT"), (("--still", "none", "--clip", "none"), "nothing to measure"),
    (("--seconds", "0"), "1..3600"), (("--rounds", "0"), "1..1000"), (("--models-dir", " "), "is empty"),
]
"""(options of `bench`, words)"""

DOCTOR = [
    (("--key-file", "key"), "add --remote"), (("--remote-url", "http://localhost"), "add --remote"),
    (("--models-dir", ""), "is empty"), (("--remote", "--remote-url", "no url"), "is not an http or https URL"),
]
"""(options of `doctor`, words)"""

FACES = [
    (("save", "../up", "me.jpg"), 2, "cannot be the name of a saved face"),
    (("save", "anna", "me.jpg"), 2, "saved face anna already; choose another name, or add --overwrite"),
    (("save", "new", "none.jpg"), 3, "none.jpg: there is no such file"),
    (("save", "new", "dark.png", "--engine", "embedded"), 4, "dark.png: no face found, nothing was saved"),
    (("save", "new", "me.jpg", "--note", "x" * 1001), 2, "--note has 1001 characters"),
    (("save", "new", "me.jpg", "--engine", "neural"), 5, "faceswap models pull"),
    (("show", "ana"), 3, "did you mean @anna? faceswap faces list"),
    (("remove", "anna"), 2, "nobody can be asked here; add --yes"),
    (("remove", "anna", "bob", "--yes"), 3, "there is no saved face @bob"),
]
"""(arguments after `faces`, exit code, words)"""

MARKS = [
    (["--c2pa-cert", "CERT"], 2, "--c2pa-cert and --c2pa-key go together; add --c2pa-key"),
    (["--c2pa-key", "KEY"], 2, "add --c2pa-cert"),
    (["--c2pa-cert", "CERT", "--c2pa-key", ""], 2, "--c2pa-key is empty"),
    (["--c2pa-cert", "CERT", "--c2pa-key", "KEY", "--no-provenance"], 2, "--no-provenance contradicts"),
    (["--c2pa-cert", "none.pem", "--c2pa-key", "KEY"], 3, "cannot read none.pem"),
    (["--c2pa-cert", "me.jpg", "--c2pa-key", "KEY"], 3, "me.jpg holds no certificates"),
    (["--label", ""], 2, "--label is empty"),
    (["--label", "fun \U0001F600"], 2, "no glyph"),
]
"""(options of `swap`, exit code, words)"""

MISTAKES = [
    ("image-qualty = 3", "did you mean image-quality?"),
    ("detection-face-order = 'left-right'", "did you mean order?"),
    ("[swop]\nx = 1", "did you mean swap?"),
    ("[serve]\nimage-quality = 3", "faceswap serve has no option --image-quality"),
    ("output = 'x'", "give --output"),
    ("json = true", "give --json"),
    ("segmind_api_key = 'abc'", "set SEGMIND_API_KEY"),
    ("image-quality = 1\nimage_quality = 2", "there twice"),
    ("recursive = 'yes'", "recursive must be true or false"),
    ("image-quality = 2024-01-01", "image-quality must be a text or a number"),
    ("image-quality = [1, 2]", "takes one value"),
    ("image-quality = 3\nx = [", "are not TOML"),
    ("a = 1\n\nb = = 1", "line 3"),
    ("remote = true", "cannot be set by a project"),
]
"""(a project's faceswap.toml, words)"""
