"""Augmentation as Keras layers: runs in the graph, on the device that trains, under any Keras backend.

Pictures are `(B, H, W, C)` float32 in 0..255 throughout. The layers do nothing unless `training` is true.
"""

import math
from typing import Any

import keras
import numpy as np
from keras import ops
from scipy.fft import dct

from train.recipe import Augmentation


def pipeline(augmentation: Augmentation) -> keras.Sequential:
    """The layers that a recipe asks for, in the order in which a camera would do them: place, light, optics."""
    chosen: list[keras.layers.Layer] = []
    a = augmentation
    if a.flip:
        chosen.append(keras.layers.RandomFlip("horizontal"))
    if any((a.rotation, a.translation, a.shear, a.zoom, a.stretch)):
        chosen.append(RandomAffine(a.rotation, a.translation, a.shear, a.zoom, a.stretch))
    if a.thickness:
        chosen.append(RandomThickness(a.thickness))
    if a.saturation:
        chosen.append(keras.layers.RandomSaturation((0.5 - a.saturation / 2, 0.5 + a.saturation / 2)))
    if any((a.gamma, a.contrast, a.brightness)):
        chosen.append(RandomTone(a.gamma, a.contrast, a.brightness))
    if a.blur:
        chosen.append(RandomBlur(a.blur))
    if a.noise:
        chosen.append(RandomNoise(a.noise))
    if a.jpeg:
        chosen.append(RandomJpeg(a.jpeg))
    if a.erasing:
        chosen.append(keras.layers.RandomErasing(a.erasing, scale=(0.02, 0.15), value_range=(0, 255)))
    return keras.Sequential([keras.layers.Identity(), *chosen], name="augmentation")


class _RandomLayer(keras.layers.Layer):  # type: ignore[misc]  # Keras ships no types
    """What the layers below share: a seed of their own, drawn from the global one, and rest outside training."""

    def __init__(self) -> None:
        super().__init__()
        self.seed = keras.random.SeedGenerator()

    def call(self, pixels: Any, training: bool = False) -> Any:
        """Change the pictures while training, and leave them alone otherwise."""
        return self._change(ops.cast(pixels, "float32")) if training else pixels

    def _change(self, pixels: Any) -> Any:
        raise NotImplementedError

    def _uniform(self, pixels: Any, low: float, high: float) -> Any:
        """One number a picture, `(B, 1, 1, 1)`."""
        return keras.random.uniform((ops.shape(pixels)[0], 1, 1, 1), low, high, seed=self.seed)

    def _chosen(self, pixels: Any, share: float) -> Any:
        """1 for a random share of the pictures and 0 for the others, `(B, 1, 1, 1)`."""
        return ops.cast(self._uniform(pixels, 0, 1) < share, "float32")


class RandomAffine(_RandomLayer):
    """Rotation, shear, zoom and translation in one resampling: doing them one by one would blur thin strokes."""

    def __init__(self, rotation: float, translation: float, shear: float, zoom: float, stretch: float) -> None:
        super().__init__()
        self.rotation, self.shear = math.radians(rotation), math.radians(shear)
        self.translation, self.zoom, self.stretch = translation, zoom, stretch

    def _change(self, pixels: Any) -> Any:
        _, height, width, _ = pixels.shape
        angle = self._draw(pixels, self.rotation)
        shear = ops.tan(self._draw(pixels, self.shear))
        zoom = ops.exp(self._draw(pixels, math.log1p(self.zoom)))
        apart = ops.exp(self._draw(pixels, math.log1p(self.stretch) / 2))
        cos, sin = ops.cos(angle), ops.sin(angle)
        # Output → input coordinates about the centre: x' = a x + b y, y' = c x + d y.
        a, b = zoom * apart * cos, zoom * apart * (shear * cos - sin)
        c, d = zoom / apart * sin, zoom / apart * (shear * sin + cos)
        center_x, center_y = (width - 1) / 2, (height - 1) / 2
        move_x = center_x - a * center_x - b * center_y + self._draw(pixels, self.translation) * width
        move_y = center_y - c * center_x - d * center_y + self._draw(pixels, self.translation) * height
        zero = ops.zeros_like(a)
        transform = ops.stack([a, b, move_x, c, d, move_y, zero, zero], axis=-1)  # (B, 8)
        return ops.image.affine_transform(pixels, transform, interpolation="bilinear", fill_mode="constant")

    def _draw(self, pixels: Any, limit: float) -> Any:
        return ops.reshape(self._uniform(pixels, -limit, limit), (-1,))


class RandomThickness(_RandomLayer):
    """Thicker or thinner strokes of light digits on dark, by a grey dilation or erosion of random strength."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def _change(self, pixels: Any) -> Any:
        thicker = ops.max_pool(pixels, 2, strides=1, padding="same")
        thinner = -ops.max_pool(-pixels, 2, strides=1, padding="same")
        strength = self._chosen(pixels, self.share) * self._uniform(pixels, 0, 1)
        grows = self._chosen(pixels, 0.5)
        target = grows * thicker + (1 - grows) * thinner
        return pixels + strength * (target - pixels)


class RandomTone(_RandomLayer):
    """Exposure: gamma, then contrast about the picture's own mean, then brightness."""

    def __init__(self, gamma: float, contrast: float, brightness: float) -> None:
        super().__init__()
        self.log_gamma = math.log1p(gamma)
        self.contrast, self.brightness = contrast, brightness

    def _change(self, pixels: Any) -> Any:
        gamma = ops.exp(self._uniform(pixels, -self.log_gamma, self.log_gamma))
        pixels = 255 * ops.power(ops.clip(pixels / 255, 1e-4, 1), gamma)
        mean = ops.mean(pixels, axis=(1, 2, 3), keepdims=True)
        pixels = mean + (pixels - mean) * self._uniform(pixels, 1 - self.contrast, 1 + self.contrast)
        pixels = pixels + 255 * self._uniform(pixels, -self.brightness, self.brightness)
        return ops.clip(pixels, 0, 255)


class RandomBlur(_RandomLayer):
    """A 3 by 3 mean over a share of the pictures, of random strength."""

    def __init__(self, share: float) -> None:
        super().__init__()
        self.share = share

    def _change(self, pixels: Any) -> Any:
        soft = ops.average_pool(pixels, 3, strides=1, padding="same")
        return pixels + self._chosen(pixels, self.share) * self._uniform(pixels, 0, 1) * (soft - pixels)


class RandomNoise(_RandomLayer):
    """Gaussian noise whose strength differs from picture to picture, up to `deviation` of the range."""

    def __init__(self, deviation: float) -> None:
        super().__init__()
        self.deviation = deviation

    def _change(self, pixels: Any) -> Any:
        noise = keras.random.normal(ops.shape(pixels), seed=self.seed)
        return ops.clip(pixels + 255 * self._uniform(pixels, 0, self.deviation) * noise, 0, 255)


class RandomJpeg(_RandomLayer):
    """The blocks of JPEG compression, of random strength, on a share of the pictures: channel by channel, 8 by 8.

    What is left over at the right and below, where the sides are no multiples of 8, stays as it is.
    """

    # How coarsely each frequency is stored at quality 50, for brightness (ITU-T T.81, table K.1).
    COARSENESS = (
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
        self.to_frequencies = dct(np.eye(8), axis=0, norm="ortho").astype(np.float32)
        self.coarseness = np.array(self.COARSENESS, np.float32)[:, None, :, None]

    def _change(self, pixels: Any) -> Any:
        _, height, width, channels = pixels.shape
        high, wide = height // 8, width // 8
        whole = pixels[:, : 8 * high, : 8 * wide]
        blocks = ops.reshape(whole, (-1, high, 8, wide, 8, channels))
        frequencies = ops.einsum("uy,bhywxc,vx->bhuwvc", self.to_frequencies, blocks, self.to_frequencies)
        step = self.coarseness * ops.expand_dims(ops.expand_dims(self._uniform(pixels, 0.3, 3), -1), -1)
        stored = ops.round(frequencies / step) * step
        blocks = ops.einsum("uy,bhuwvc,vx->bhywxc", self.to_frequencies, stored, self.to_frequencies)
        change = ops.clip(ops.reshape(blocks, ops.shape(whole)), 0, 255) - whole
        change = ops.pad(change, ((0, 0), (0, height - 8 * high), (0, width - 8 * wide), (0, 0)))
        return pixels + self._chosen(pixels, self.share) * change
