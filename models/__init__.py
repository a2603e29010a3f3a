"""What a trained model is at run time: bytes in, `Prediction` out. Nothing here imports TensorFlow."""
