"""What the page at `/` gets from the server, over a fake engine."""

from __future__ import annotations

import base64
import io
import re
import threading

import fakes
import pytest
from live import CLIP, EMPTY, SOURCE, TARGET, Held, body, encode, is_red, pixels, uri
from PIL import Image as Pillow

LEFT, RIGHT = (12, 12), (45, 25)
"""In the two squares of the target, the larger one on the left."""


def faces(client, data, field="target_img"):
    answer = client.post("/page/faces", json={field: uri(data)})
    assert answer.status_code == 200, answer.text
    return answer.json()


def swap(live, client, **more):
    answer = client.post("/page/swap", json=body(**more))
    assert answer.status_code == 200, answer.text
    assert live.end(client, answer.json()).json()["status"] == "COMPLETED"
    result = client.get(answer.json()["response_url"]).json()
    return result, client.get(result["output"])


# --- the files --------------------------------------------------------------------------------------------------------

def test_the_page_and_all_of_its_parts_are_there_and_nothing_comes_from_elsewhere(start, keys_file):
    client = start(keys_file=keys_file).client()  # also for those who have no key yet
    seen, todo = set(), ["/"]
    while todo:
        path = todo.pop()
        answer = client.get(path)
        assert answer.status_code == 200, path
        seen.add(path)
        parts = re.findall(r'(?:href|src)="(page/[^"]+)"', answer.text)
        parts += [f"page/{name}" for name in re.findall(r'from "\./([^"]+)"', answer.text)]
        todo += [f"/{part}" for part in parts if f"/{part}" not in seen]
        assert not re.findall(r'(?:src|href)="https?:|@import|url\(|from "https?:', answer.text)
        assert not re.search(r"\son[a-z]+=|<style|<script>|javascript:", answer.text)
        policy = answer.headers["content-security-policy"]
        assert "unsafe" not in policy and "default-src 'none'" in policy and "connect-src 'self'" in policy
    assert {"/page/main.js", "/page/api.js", "/page/style.css"} <= seen
    assert client.get("/").headers["content-type"].startswith("text/html")
    assert client.get("/page/main.js").headers["content-type"].startswith("text/javascript")


@pytest.mark.parametrize("name", ["..%2fpage.py", "..%2F..%2Ferrors.py", "nothing.js", "main.py", ".", "%00.js"])
def test_no_other_file_is_handed_out(start, name):
    assert start().client().get(f"/page/{name}").status_code == 404


# --- about ------------------------------------------------------------------------------------------------------------

def test_about_tells_limits_and_that_nothing_restores(start):
    about = start(max_body=4 * 2**20, retention=1800.0).client().get("/page/about").json()
    assert about["restores"] is False and about["restorers"] == []
    assert about["result_seconds"] == 1800
    assert 2.9 * 2**20 < about["max_file"] < 3 * 2**20


def test_a_file_of_the_size_that_is_told_fits_and_a_larger_one_does_not(start):
    client = start(max_body=2**20).client()
    most = client.get("/page/about").json()["max_file"]
    for size, status in ((most, 200), (most + 2048, 413)):
        data = SOURCE + b"\0" * (size - len(SOURCE))
        assert client.post("/upload-asset", json={"data_urls": [uri(data)]}).status_code == status


def test_all_of_it_needs_the_key_where_there_is_one(start, keys_file):
    live = start(keys_file=keys_file)
    for key, status in ((None, 401), ("wrong", 401), ("alice-key", 200)):
        client = live.client(key)
        assert client.get("/page/about").status_code == status
        assert client.post("/page/faces", json={"source_img": uri(SOURCE)}).status_code == status
        assert client.post("/page/swap", json=body()).status_code == status


# --- faces ------------------------------------------------------------------------------------------------------------

def test_faces_are_numbered_in_every_order_as_the_api_counts_them(start):
    live = start()
    client = live.client()
    target = encode(fakes.scene((30, 2, 20, fakes.BLUE), (2, 20, 10, fakes.RED), (16, 30, 14, fakes.WHITE)))
    seen = faces(client, target)
    assert (seen["width"], seen["height"], seen["animated"], seen["preview"]) == (64, 48, False, None)
    assert [face["gender"] for face in seen["faces"]] == ["male", "unknown", "female"]
    for order, numbers in seen["orders"].items():
        for number, place in enumerate(numbers):
            _, picture = swap(live, client, target=target, detection_face_order=order, input_faces_index=str(number),
                              image_format="png")
            x1, y1, x2, y2 = seen["faces"][place]["box"]
            assert is_red(pixels(picture.content), round((x1 + x2) / 2), round((y1 + y2) / 2))


def test_a_face_has_a_small_picture_of_itself(start):
    seen = faces(start().client(), SOURCE, "source_img")
    kind, data = seen["faces"][0]["thumbnail"].split(",")
    assert kind == "data:image/webp;base64"
    thumbnail = pixels(base64.b64decode(data))
    assert is_red(thumbnail, thumbnail.shape[1] // 2, thumbnail.shape[0] // 2)


def test_of_an_animation_the_first_frame_with_a_face_is_looked_at_and_shown(start):
    other = fakes.scene((50, 40, 3, (90, 90, 90)))
    late = encode(fakes.scene(), other, fakes.scene((4, 4, 20, fakes.RED)), kind="GIF")
    seen = faces(start().client(), late)
    assert seen["animated"] and seen["frame"] == 2 and len(seen["faces"]) == 1
    assert is_red(pixels(base64.b64decode(seen["preview"].split(",")[1])), 12, 12)
    empty = encode(fakes.scene(), other, kind="GIF")
    nothing = faces(start().client(), empty)
    assert nothing["faces"] == [] and nothing["frame"] == 0 and nothing["preview"]


def test_of_a_source_that_is_an_animation_the_first_frame_counts(start):
    live = start()
    client = live.client()
    late = encode(fakes.scene(), fakes.scene((4, 4, 20, fakes.RED)), kind="GIF")
    assert faces(client, late, "source_img")["faces"] == []
    answer = client.post("/page/swap", json=body(source=late)).json()
    assert "no face" in live.end(client, answer).json()["error"]
    assert faces(client, CLIP, "source_img")["frame"] == 0


def test_what_browsers_do_not_show_is_shown_otherwise(start):
    seen = faces(start().client(), encode(fakes.scene((4, 4, 20, fakes.RED)), kind="TIFF"))
    assert is_red(pixels(base64.b64decode(seen["preview"].split(",")[1])), 12, 12)


def test_a_picture_without_a_face_is_no_error(start):
    assert faces(start().client(), EMPTY)["faces"] == []


@pytest.mark.parametrize(("sent", "words"), [
    ({}, "give one of"),
    ({"source_img": uri(SOURCE), "target_img": uri(TARGET)}, "give one of"),
    ({"source_img": 3}, "source_img must be"),
    ({"source_img": "file:///etc/passwd"}, "source_img is a file: URI"),
    ({"target_img": uri(b"no picture")}, "target_img"),
    ({"target_img": "http://127.0.0.1:9/x.png"}, "target_img"),
    ({"target_img": "http://169.254.169.254/latest"}, "target_img"),
])
def test_what_cannot_be_looked_at_is_refused_in_words_of_the_page(start, tmp_path, sent, words):
    answer = start().client().post("/page/faces", json=sent)
    assert answer.status_code == 400
    assert words in answer.json()["error"] and str(tmp_path) not in answer.json()["error"]
    assert not list((tmp_path / "serve" / "work").iterdir())


def test_limits_hold_for_looking_too(start):
    live = start(max_body=4096, max_pixels=1000)
    client = live.client()
    assert client.post("/page/faces", json={"target_img": uri(b"x" * 5000)}).status_code == 413
    assert client.post("/page/faces", json={"target_img": uri(TARGET)}).status_code == 413
    assert client.post("/page/faces", content=b"{}", headers={"content-type": "text/plain"}).status_code == 400


def test_only_so_many_may_wait_to_look(start):
    class Slow(fakes.BrightSquares):
        def find(self, image, clip=None, *, describe=False):
            assert gate.wait(30)
            return super().find(image, clip, describe=describe)

    gate = threading.Event()
    live = start(backend=Slow)
    codes = []
    threads = [threading.Thread(target=lambda: codes.append(
        live.client().post("/page/faces", json={"target_img": uri(TARGET)}))) for _ in range(20)]
    for thread in threads:
        thread.start()
    while len(codes) < 4:
        pass
    gate.set()
    for thread in threads:
        thread.join()
    assert sorted(answer.status_code for answer in codes) == [200] * 16 + [429] * 4
    assert all(int(answer.headers["retry-after"]) > 0 for answer in codes if answer.status_code == 429)


# --- swap -------------------------------------------------------------------------------------------------------------

def test_a_swap_takes_the_fields_of_the_api(start):
    live = start()
    client = live.client()
    result, picture = swap(live, client, input_faces_index="1", image_format="webp")
    assert picture.headers["content-type"] == "image/webp"
    image = pixels(picture.content)
    assert is_red(image, *RIGHT) and not is_red(image, *LEFT)
    assert "restor" in " ".join(result["warnings"])
    assert "warnings" not in swap(live, client, restore=False)[0]


def test_faces_of_an_animation_are_chosen_by_number_too(start):
    live = start()
    clip = encode(*(fakes.scene((4 + step, 4, 20, fakes.BLUE), (40, 20, 12, fakes.BLUE)) for step in range(3)),
                  kind="GIF")
    _, picture = swap(live, live.client(), target=clip, input_faces_index="1", image_format="png", restore=False)
    assert picture.headers["content-type"] == "image/gif"
    animation = Pillow.open(io.BytesIO(picture.content))
    assert animation.n_frames == 3
    image = pixels(picture.content)
    assert is_red(image, *RIGHT) and not is_red(image, *LEFT)


def test_wrong_fields_are_refused_as_the_api_refuses_them(start):
    client = start().client()
    for more, words in (({"image_format": "gif"}, "image_format must be"), ({"restore": "yes"}, "restore must be"),
                        ({"input_faces_index": "a"}, "input_faces_index must be"),
                        ({"input_faces_index": ",".join(["0"] * 1001)}, "input_faces_index must be at most")):
        answer = client.post("/page/swap", json=body(**more))
        assert answer.status_code == 400 and words in answer.json()["error"]
    assert client.post("/v2/page", json=body()).status_code == 404
    assert client.post("/v1/page", json=body()).status_code == 404
    assert client.post("/page/swap", json=body(target=CLIP)).status_code == 200
    assert client.post("/v2/faceswap-v3", json=body(target=CLIP)).status_code == 200


def test_a_swap_waits_in_the_same_queue(start):
    live = start(backend=Held, workers=1, queue=1)
    client = live.client()
    assert [client.post("/page/swap", json=body()).status_code for _ in range(2)] == [200, 200]
    full = client.post("/page/swap", json=body())
    assert full.status_code == 429 and int(full.headers["retry-after"]) > 0
    assert client.post("/v2/faceswap-v3", json=body()).status_code == 429
    Held.gate.set()


def test_a_swap_is_done_after_a_restart(start, tmp_path):
    live = start(backend=Held, workers=1)
    client = live.client()
    first, second = (client.post("/page/swap", json=body()).json() for _ in range(2))
    while client.get(first["status_url"]).json()["status"] == "QUEUED":
        pass
    stopping = threading.Thread(target=live.stop)
    stopping.start()
    while live.queue.ready:
        pass
    Held.gate.set()
    stopping.join()
    again = start(folder=tmp_path)
    client = again.client()
    for answer in (first, second):
        moved = {name: url.replace(live.url, again.url) for name, url in answer.items()}
        assert again.end(client, moved).json()["status"] == "COMPLETED"
