from __future__ import annotations

import functools
import threading
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer

import numpy as np
from fakes import BLUE, RED, scene
from PIL import Image as PILImage


def rows(done) -> list[list[str]]:
    """The rows of the table: lines that start with a number."""
    return [line.split() for line in done.stdout.decode().splitlines() if line.strip()[:1].isdigit()]


def test_the_table_numbers_the_faces_in_the_chosen_order(place):
    PILImage.fromarray(scene((2, 8, 16, BLUE), (22, 8, 14, BLUE), (42, 8, 12, RED))).save(place / "three.png")
    done = place.run("detect", "three.png", "--order", "right-left")
    assert done.returncode == 0
    table = rows(done)
    assert [row[0] for row in table] == ["0", "1", "2"]
    assert [row[1].split(",")[0] for row in table] == ["42", "22", "2"]
    assert table[0][-2:] == ["female", "90%"]
    assert table[0][2] == "12x12"
    assert "right 42" in done.stdout.decode()
    assert "three.png (64x48)" in done.stdout.decode()


def test_the_table_fits_a_terminal_and_is_plain_in_a_pipe(place, dance):
    PILImage.fromarray(scene((4, 4, 9, BLUE), size=(3000, 3000))).save(place / "small.png")
    done = place.run("detect", "group.jpg", "dance.gif", "small.png", env={"COLUMNS": "80"})
    text = done.stdout.decode()
    assert max(len(line) for line in text.splitlines()) <= 80
    assert "\x1b" not in text
    assert "face 0: face small: 9 px" in text
    assert "20 frames, 19 of them with a face" in text
    assert text.count("male 90%") == 2 + 1 + 19 + 1


def test_what_is_said_of_a_clip_is_said_once(place):
    frames = [PILImage.fromarray(scene((5 + n, 5, 8 + n % 3, BLUE))) for n in range(6)]
    frames[0].save(place / "clip.gif", save_all=True, append_images=frames[1:], duration=50)
    done = place.run("detect", "clip.gif")
    assert "face 0: 6 of 6 frames: face small: 8..10 px" in done.stdout.decode()
    assert done.stdout.decode().count("face small") == 1


def test_each_file_is_annotated_into_a_folder(place, dance):
    done = place.run("detect", "group.jpg", "dance.gif", "--annotate", "seen/", "--crops", "crops")
    assert done.returncode == 0
    assert {path.name for path in (place / "seen").iterdir()} == {"group.jpg", "dance.gif"}
    names = {path.name for path in (place / "crops").iterdir()}
    assert {"group-0-0.png", "group-0-1.png", "group-0-2.png", "dance-1-0.png", "dance-19-0.png"} <= names
    assert len(names) == 22
    again = place.run("detect", "group.jpg", "--crops", "crops")
    assert again.returncode == 2
    assert b"--overwrite" in again.stderr


def test_a_picture_is_read_from_a_pipe(place):
    done = place.run("detect", "-", "--annotate", "out.png", input=(place / "me.jpg").read_bytes())
    assert done.returncode == 0
    assert len(rows(done)) == 1
    assert (place / "out.png").exists()


def test_a_gender_is_looked_for(place):
    done = place.run("detect", "group.jpg", "--gender", "female")
    assert [row[0] for row in rows(done)] == ["2"]
    assert place.run("detect", "party.jpg", "--gender", "female").returncode == 4


def test_the_words_of_the_api_work(place):
    done = place.run("swap", "me.jpg", "group.jpg", "-o", "out.png", "--detection_face_order", "right-left",
                     "--input-faces-index=1", "--detect-gender-input", "male", "--detect_gender_source", "female")
    assert done.returncode == 0, done.stderr
    with PILImage.open(place / "out.png") as image:
        pixels = np.array(image)
    assert (abs(pixels[15, 29].astype(int) - RED) < 30).all()
    assert pixels[15, 9, 2] > 200


def test_the_secrets_of_a_url_are_not_repeated_to_people(place):
    handler = functools.partial(SimpleHTTPRequestHandler, directory=place.folder)
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.server_port}/party.jpg"
        found = place.run("detect", f"{url}?key=hunter2", "--allow-private-urls")
        copied = place.run("swap", "me.jpg", f"{url.replace('party.jpg', 'dark.png')}?key=hunter2", "-o", "out.png",
                           "--allow-private-urls", "--on-no-face", "copy")
        server.shutdown()
    assert (found.returncode, copied.returncode) == (0, 0), copied.stderr
    assert f"{url} (64x48)" in found.stdout.decode()
    assert "hunter2" not in (found.stdout + found.stderr + copied.stderr).decode()
