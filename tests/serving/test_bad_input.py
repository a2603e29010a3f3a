"""Bad input: each request gets the right response or error, and the next good picture is classified as before."""

import io
import socket
from collections.abc import Iterator
from typing import Any

import httpx
import numpy as np
import pytest
from numpy.typing import NDArray
from PIL import Image

from tests.helpers.http import the_same_answer
from tests.helpers.project import example
from tests.helpers.server import Server

SPANISH = {
    "missing_file": "No se encontró el archivo",
    "no_file_selected": "No se seleccionó ningún archivo",
}


def send(server: Server, data: bytes, name: str = "imagen.png", task: str = "digit") -> httpx.Response:
    return httpx.post(f"{server.url}/predict/{task}", files={"file": (name, data)}, timeout=60)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey() -> NDArray[np.uint8]:
    """The example digit, `(H, W)`, dark on light."""
    with Image.open(example("digit")) as image:
        values = np.asarray(image.convert("L"))
    return values if values[0, 0] > 127 else 255 - values


def in_colour(task: str) -> Image.Image:
    with Image.open(example(task)) as image:
        return image.convert("RGB")


@pytest.fixture(autouse=True)
def _still_the_same_afterwards(server: Server) -> Iterator[None]:
    """Whatever a test sends, a good picture gets the answer that it got before."""
    good = example("digit").read_bytes()
    before = send(server, good).json()
    yield
    assert the_same_answer(send(server, good).json(), before)


def refused(response: httpx.Response, status: int, code: str) -> None:
    assert response.status_code == status
    content = response.json()
    assert set(content) == {"error", "code", "request_id"}
    assert content["code"] == code
    assert content["request_id"] == response.headers["X-Request-ID"]
    assert content["error"] == SPANISH.get(code, content["error"])
    for leak in ("Traceback", "PIL", "/", "\\"):
        assert leak not in content["error"]


def test_no_body(server: Server) -> None:
    refused(httpx.post(f"{server.url}/predict"), 400, "missing_file")


def test_no_part_called_file(server: Server) -> None:
    response = httpx.post(f"{server.url}/predict", files={"image": ("a.png", b"x")})
    refused(response, 400, "missing_file")


def test_a_text_field_called_file(server: Server) -> None:
    refused(httpx.post(f"{server.url}/predict", data={"file": "a.png"}), 400, "missing_file")


def test_a_body_that_is_not_multipart(server: Server) -> None:
    response = httpx.post(f"{server.url}/predict", content=b"x", headers={"Content-Type": "multipart/form-data"})
    refused(response, 400, "missing_file")
    headers = {"Content-Type": "multipart/form-data; boundary=abc"}
    refused(httpx.post(f"{server.url}/predict", content=b"nonsense", headers=headers), 400, "missing_file")


def test_a_form_sent_with_nothing_chosen(server: Server) -> None:
    body = (
        b'--abc\r\nContent-Disposition: form-data; name="file"; filename=""\r\n'
        b"Content-Type: application/octet-stream\r\n\r\n\r\n--abc--\r\n"
    )
    headers = {"Content-Type": "multipart/form-data; boundary=abc"}
    refused(httpx.post(f"{server.url}/predict", content=body, headers=headers), 400, "no_file_selected")


def test_an_empty_file(server: Server) -> None:
    refused(send(server, b""), 400, "empty_file")


def test_a_text_file_named_png(server: Server) -> None:
    refused(send(server, b"not a picture at all"), 415, "unsupported_type")


@pytest.mark.parametrize("content", [b"<svg xmlns='http://www.w3.org/2000/svg'/>", b"<html>", b"%PDF-1.7\n"])
def test_other_kinds_of_file(server: Server, content: bytes) -> None:
    refused(send(server, content, "picture.jpg"), 415, "unsupported_type")


def test_a_truncated_jpeg(server: Server) -> None:
    whole = encoded(in_colour("flower"), "JPEG")
    refused(send(server, whole[: len(whole) // 2], "flower.jpg", "flower"), 422, "unreadable_image")


def test_two_hundred_megapixels(server: Server) -> None:
    refused(send(server, encoded(Image.new("1", (20_000, 10_000)))), 422, "too_many_pixels")


def test_fifty_megabytes(server: Server) -> None:
    refused(send(server, bytes(50_000_000)), 413, "too_large")


def test_one_byte_over_the_limit(server: Server) -> None:
    refused(send(server, bytes(20_000_001)), 413, "too_large")
    refused(send(server, bytes(20_000_000)), 415, "unsupported_type")


def test_a_declared_length_over_the_limit_is_refused_before_the_body_comes(server: Server) -> None:
    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=abc\r\n"
            b"Content-Length: 10000000000\r\n\r\n"
        )
        assert connection.recv(4096).startswith(b"HTTP/1.1 413")


def test_a_body_without_declared_length_is_refused_where_it_passes_the_limit(server: Server) -> None:
    sent = 0

    def endless() -> Iterator[bytes]:
        nonlocal sent
        yield b'--abc\r\nContent-Disposition: form-data; name="file"; filename="a.png"\r\n\r\n'
        while sent < 1_000_000_000:
            sent += 100_000
            yield bytes(100_000)

    host, _, port = server.url.removeprefix("http://").partition(":")
    with socket.create_connection((host, int(port)), timeout=30) as connection:
        connection.sendall(
            b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Type: multipart/form-data; boundary=abc\r\n"
            b"Transfer-Encoding: chunked\r\n\r\n"
        )
        connection.settimeout(0.0)
        answer = b""
        for chunk in endless():
            connection.settimeout(30)
            connection.sendall(b"%x\r\n%s\r\n" % (len(chunk), chunk))
            connection.setblocking(False)
            try:
                answer = connection.recv(4096)
                break
            except BlockingIOError:
                continue
    assert answer.startswith(b"HTTP/1.1 413")
    assert sent < 100_000_000


def test_an_animated_gif_is_its_first_frame(server: Server) -> None:
    still = Image.fromarray(grey())
    other = Image.fromarray(255 - np.rot90(grey()))
    moving = encoded(still, "GIF", save_all=True, append_images=[other], duration=100)
    assert the_same_answer(send(server, moving, "a.gif").json(), send(server, encoded(still)).json())


def test_cmyk(server: Server) -> None:
    picture = in_colour("flower")
    printed = encoded(picture.convert("CMYK"), "TIFF")
    assert the_same_answer(
        send(server, printed, "a.tiff", "flower").json(), send(server, encoded(picture), task="flower").json()
    )


def test_sixteen_bit_grey(server: Server) -> None:
    deep = encoded(Image.fromarray(grey().astype(np.uint16) * 257))
    assert the_same_answer(send(server, deep).json(), send(server, encoded(Image.fromarray(grey()))).json())


def test_strokes_on_transparency(server: Server) -> None:
    strokes = np.zeros((*grey().shape, 4), np.uint8)  # black, where there is anything
    strokes[..., 3] = 255 - grey()
    drawn = encoded(Image.fromarray(strokes))
    assert the_same_answer(send(server, drawn).json(), send(server, encoded(Image.fromarray(grey()))).json())


@pytest.mark.parametrize(
    ("orientation", "turn"),
    [
        (2, Image.Transpose.FLIP_LEFT_RIGHT),
        (3, Image.Transpose.ROTATE_180),
        (4, Image.Transpose.FLIP_TOP_BOTTOM),
        (5, Image.Transpose.TRANSPOSE),
        (6, Image.Transpose.ROTATE_90),
        (7, Image.Transpose.TRANSVERSE),
        (8, Image.Transpose.ROTATE_270),
    ],
)
def test_a_picture_that_its_camera_turned(server: Server, orientation: int, turn: Image.Transpose) -> None:
    upright = in_colour("flower")
    exif = Image.Exif()
    exif[0x0112] = orientation
    turned = encoded(upright.transpose(turn), exif=exif)
    assert the_same_answer(
        send(server, turned, task="flower").json(), send(server, encoded(upright), task="flower").json()
    )


@pytest.mark.parametrize("task", ["digit", "flower", "pneumonia"])
def test_a_single_pixel_is_answered_without_confidence(server: Server, task: str) -> None:
    response = send(server, encoded(Image.new("RGB", (1, 1), (200, 30, 30))), task=task)
    assert response.status_code == 200
    assert response.json()["verdict"] in (("rejected",) if task == "digit" else ("rejected", "uncertain"))


def test_a_line_of_pixels(server: Server) -> None:
    assert send(server, encoded(Image.new("RGB", (1, 20_000))), task="flower").status_code == 200


def test_errors_follow_the_language(server: Server) -> None:
    english = httpx.post(f"{server.url}/predict", headers={"Accept-Language": "en,es;q=0.5"}).json()
    assert english["error"] == "The file was not found"
