"""Mixed precision: half precision where it is safe, and the float32 network that is kept in the end."""

import keras


def policy() -> str:
    """`mixed_bfloat16`, or `mixed_float16` on a CUDA GPU from before Ampere (8.0), which computes no bfloat16."""
    capability = _compute_capability()
    return "mixed_float16" if capability is not None and capability < 8 else "mixed_bfloat16"


def on_gpu() -> bool:
    """Whether Keras has a GPU to train on.

    On a CPU half precision is slower: on two cores EfficientNet-Lite0 took 50 against 28 ms a picture and step.
    """
    if keras.backend.backend() == "torch":  # of which Keras lists no devices
        import torch  # noqa: PLC0415 (not with another backend)

        return bool(torch.cuda.is_available())
    return not keras.distribution.list_devices()[0].startswith("cpu")


def mixed(network: keras.Model) -> keras.Model:
    """A twin of a float32 network that computes in half precision, with the same weights, in float32 as they are.

    Every layer is rebuilt, those of a backbone too, whose file names a precision of its own. The logits stay float32:
    a loss needs their digits.
    """

    def halved(layer: keras.layers.Layer) -> keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, keras.layers.Layer) and layer.name != "logits":
            config["dtype"] = policy()
        return type(layer).from_config(config)

    twin = keras.models.clone_model(network, clone_function=halved, recursive=True)
    twin.set_weights(network.get_weights())
    return twin


def _compute_capability() -> float | None:
    if not on_gpu():
        return None
    if keras.backend.backend() == "tensorflow":
        import tensorflow as tf  # noqa: PLC0415 (not with another backend)

        details = tf.config.experimental.get_device_details(tf.config.list_physical_devices("GPU")[0])
        major, minor = details.get("compute_capability", (8, 0))  # other makers' GPUs say nothing
        return float(f"{major}.{minor}")
    if keras.backend.backend() == "jax":
        import jax  # noqa: PLC0415

        return float(getattr(jax.devices()[0], "compute_capability", 8))
    return None
