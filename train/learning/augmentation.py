"""Augmentation as Keras layers, which run on the training device under any Keras backend.

Pictures are `(B, H, W, C)` float32 in 0..255. The layers change them only if `training` is true.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.fft import dct

from train.recipe import Augmentation


def build_augmentation(augmentation: Augmentation) -> keras.Sequential:
    """Return the recipe's layers, in the order of the effects in a camera: position, light, optics."""
    selected: list[keras.layers.Layer] = []
    a = augmentation
    if a.flip:
        selected.append(keras.layers.RandomFlip("horizontal"))
    if any((a.rotation, a.translation, a.shear, a.zoom, a.stretch)):
        selected.append(RandomAffine(a.rotation, a.translation, a.shear, a.zoom, a.stretch))
    if a.thickness:
        selected.append(RandomThickness(a.thickness))
    if a.saturation:
        selected.append(keras.layers.RandomSaturation((0.5 - a.saturation / 2, 0.5 + a.saturation / 2)))
    if any((a.gamma, a.contrast, a.brightness)):
        selected.append(RandomTone(a.gamma, a.contrast, a.brightness))
    if a.blur:
        selected.append(RandomBlur(a.blur))
    if a.noise:
        selected.append(RandomNoise(a.noise))
    if a.jpeg:
        selected.append(RandomJpeg(a.jpeg))
    if a.erasing:
        selected.append(keras.layers.RandomErasing(a.erasing, scale=(0.02, 0.15), value_range=(0, 255)))
    return keras.Sequential([keras.layers.Identity(), *selected], name="augmentation")


class _RandomLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """Base of the layers below. Each has its own seed, drawn from the global one, and is inactive outside training."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = keras.random.SeedGenerator()

    def call(self, pixels: Any, training: bool = False) -> Any:
        """Return changed pictures during training, else the pictures as they are."""
        return self._augment(ops.cast(pixels, "float32")) if training else pixels

    def _augment(self, pixels: Any) -> Any:
        raise NotImplementedError

    def _uniform(self, pixels: Any, low: float, high: float) -> Any:
        """Return one random number per picture, `(B, 1, 1, 1)`."""
        return keras.random.uniform((ops.shape(pixels)[0], 1, 1, 1), low, high, seed=self.seed)

    def _random_mask(self, pixels: Any, share: float) -> Any:
        """Return 1 for a random share of the pictures and 0 for the others, `(B, 1, 1, 1)`."""
        return ops.cast(self._uniform(pixels, 0, 1) < share, "float32")


class RandomAffine(_RandomLayer):
    """Rotate, shear, zoom, stretch and translate in one resampling, because several would blur thin strokes."""

    def __init__(self, rotation: float, translation: float, shear: float, zoom: float, stretch: float) -> None:
        super().__init__()
        self.rotation, self.shear = math.radians(rotation), math.radians(shear)
        self.translation, self.zoom, self.stretch = translation, zoom, stretch

    def _augment(self, pixels: Any) -> Any:
        _, height, width, _ = pixels.shape
        angle = self._draw(pixels, self.rotation)
        shear = ops.tan(self._draw(pixels, self.shear))
        zoom = ops.exp(self._draw(pixels, math.log1p(self.zoom)))
        aspect = ops.exp(self._draw(pixels, math.log1p(self.stretch) / 2))
        cos, sin = ops.cos(angle), ops.sin(angle)
        # Output → input coordinates about the centre: x' = a x + b y, y' = c x + d y.
        a, b = zoom * aspect * cos, zoom * aspect * (shear * cos - sin)
        c, d = zoom / aspect * sin, zoom / aspect * (shear * sin + cos)
        center_x, center_y = (width - 1) / 2, (height - 1) / 2
        shift_x = center_x - a * center_x - b * center_y + self._draw(pixels, self.translation) * width
        shift_y = center_y - c * center_x - d * center_y + self._draw(pixels, self.translation) * height
        zero = ops.zeros_like(a)
        transform = ops.stack([a, b, shift_x, c, d, shift_y, zero, zero], axis=-1)  # (B, 8)
        return ops.image.affine_transform(pixels, transform, interpolation="bilinear", fill_mode="constant")

    def _draw(self, pixels: Any, limit: float) -> Any:
        """Return one random number per picture between `-limit` and `limit`, `(B,)`."""
        return ops.reshape(self._uniform(pixels, -limit, limit), (-1,))


class RandomThickness(_RandomLayer):
    """Make light strokes on a dark ground thicker or thinner, by grey dilation or erosion of random strength."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def _augment(self, pixels: Any) -> Any:
        thicker = ops.max_pool(pixels, 2, strides=1, padding="same")
        thinner = -ops.max_pool(-pixels, 2, strides=1, padding="same")
        strength = self._random_mask(pixels, self.share) * self._uniform(pixels, 0, 1)
        grows = self._random_mask(pixels, 0.5)
        target = grows * thicker + (1 - grows) * thinner
        return pixels + strength * (target - pixels)


class RandomTone(_RandomLayer):
    """Change the exposure: gamma, then contrast around the picture's mean, then brightness."""

    def __init__(self, gamma: float, contrast: float, brightness: float) -> None:
        super().__init__()
        self.log_gamma = math.log1p(gamma)
        self.contrast, self.brightness = contrast, brightness

    def _augment(self, pixels: Any) -> Any:
        gamma = ops.exp(self._uniform(pixels, -self.log_gamma, self.log_gamma))
        pixels = 255 * ops.power(ops.clip(pixels / 255, 1e-4, 1), gamma)
        mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
        pixels = mean + (pixels - mean) * self._uniform(pixels, 1 - self.contrast, 1 + self.contrast)
        pixels = pixels + 255 * self._uniform(pixels, -self.brightness, self.brightness)
        return ops.clip(pixels, 0, 255)


class RandomBlur(_RandomLayer):
    """Blur a share of the pictures by a 3 by 3 mean of random strength."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def _augment(self, pixels: Any) -> Any:
        soft = ops.average_pool(pixels, 3, strides=1, padding="same")
        return pixels + self._random_mask(pixels, self.share) * self._uniform(pixels, 0, 1) * (soft - pixels)


class RandomNoise(_RandomLayer):
    """Add Gaussian noise. Each picture has its own standard deviation, up to `deviation` of the range 0..255."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def _augment(self, pixels: Any) -> Any:
        noise = keras.random.normal(ops.shape(pixels), seed=self.seed)
        return ops.clip(pixels + 255 * self._uniform(pixels, 0, self.deviation) * noise, 0, 255)


class RandomJpeg(_RandomLayer):
    """Add the 8 by 8 blocks of JPEG compression to a share of the pictures, with random strength, channel by channel.

    If a side is not a multiple of 8, the remaining columns on the right or rows at the bottom do not change.
    """

    # The luminance quantization table at quality 50 (ITU-T T.81, table K.1).
    QUANTIZATION = (
        (16, 11, 10, 16, 24, 40, 51, 61),
        (12, 12, 14, 19, 26, 58, 60, 55),
        (14, 13, 16, 24, 40, 57, 69, 56),
        (14, 17, 22, 29, 51, 87, 80, 62),
        (18, 22, 37, 56, 68, 109, 103, 77),
        (24, 35, 55, 64, 81, 104, 113, 92),
        (49, 64, 78, 87, 103, 121, 120, 101),
        (72, 92, 95, 98, 112, 100, 103, 99),
    )

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share
        self.dct_matrix = dct(np.eye(8), axis=0, norm="ortho").astype(np.float32)
        self.quantization = np.array(self.QUANTIZATION, np.float32)[:, None, :, None]

    def _augment(self, pixels: Any) -> Any:
        _, height, width, channels = pixels.shape
        rows, columns = height // 8, width // 8
        covered = pixels[:, : 8 * rows, : 8 * columns]  # by complete blocks
        blocks = ops.reshape(covered, (-1, rows, 8, columns, 8, channels))
        frequencies = ops.einsum("uy,bhywxc,vx->bhuwvc", self.dct_matrix, blocks, self.dct_matrix)
        step = self.quantization * ops.expand_dims(ops.expand_dims(self._uniform(pixels, 0.3, 3), -1), -1)
        quantized = ops.round(frequencies / step) * step
        blocks = ops.einsum("uy,bhuwvc,vx->bhywxc", self.dct_matrix, quantized, self.dct_matrix)
        change = ops.clip(ops.reshape(blocks, ops.shape(covered)), 0, 255) - covered
        change = ops.pad(change, ((0, 0), (0, height - 8 * rows), (0, width - 8 * columns), (0, 0)))
        return pixels + self._random_mask(pixels, self.share) * change
