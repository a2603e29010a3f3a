"""Texts of the built-in tasks, in Spanish and English: title, introduction, disclaimer.

A bundle can bring its own in the key `presentation` of `vistazo.json`. The bundles of the three built-in tasks were
exported before that key existed, so their texts are here.
"""

from models.bundle import BundleInfo, Presentation, Translated

PRESENTATIONS = {
    "pneumonia": Presentation(
        title=Translated(es="Neumonía", en="Pneumonia"),
        intro=Translated(
            es="Sube una radiografía de tórax de frente. El modelo busca señales de neumonía.",
            en="Upload a frontal chest X-ray. The model looks for signs of pneumonia.",
        ),
        disclaimer=Translated(
            es="Esto no es un diagnóstico. Es una demostración técnica, entrenada con radiografías infantiles de un "
            "solo hospital. No la uses para decidir sobre la salud de nadie: consulta a un médico.",
            en="This is not a diagnosis. It is a technical demonstration, trained on children's X-rays from a single "
            "hospital. Do not use it to decide on anyone's health: see a doctor.",
        ),
        caution=Translated(es="Esto no es un diagnóstico.", en="This is not a diagnosis."),
    ),
    "digit": Presentation(
        title=Translated(es="Dígito", en="Digit"),
        intro=Translated(
            es="Dibuja un dígito del 0 al 9, o sube la foto de uno escrito a mano.",
            en="Draw a digit from 0 to 9, or upload a photo of a handwritten one.",
        ),
    ),
    "flower": Presentation(
        title=Translated(es="Flor", en="Flower"),
        intro=Translated(
            es="Sube la foto de una flor. El modelo distingue: {labels}.",
            en="Upload a photo of a flower. The model tells apart: {labels}.",
        ),
    ),
}
_GENERIC_INTRO = Translated(
    es="Sube una imagen. El modelo distingue: {labels}.", en="Upload a picture. The model tells apart: {labels}."
)
_DIAGNOSTIC_DISCLAIMER = Translated(
    es="Esto no es un diagnóstico. Este modelo sirve para aprender y no debe usarse para decidir nada sobre un "
    "paciente.",
    en="This is not a diagnosis. This model is for teaching and must not be used to decide anything about a patient.",
)
_RADIOGRAPHS = "stretch_gray"  # the preprocessing of X-rays, for bundles without a `modality`


def presentation_of(task: str, info: BundleInfo | None = None) -> Presentation:
    """Return the texts of a task: those of its bundle, else the built-in ones, else generic ones.

    `info` is None when the model could not be loaded. `intro` may have the placeholder `{labels}`. A model that detects
    a finding in radiographs always has a disclaimer.
    """
    if info is not None and info.presentation is not None:
        return info.presentation
    if task in PRESENTATIONS:
        return PRESENTATIONS[task]
    title = task.replace("-", " ").replace("_", " ").capitalize()
    detects_finding = info is not None and is_radiograph(info) and info.thresholds.operating is not None
    return Presentation(
        title=Translated(es=title, en=title),
        intro=_GENERIC_INTRO,
        disclaimer=_DIAGNOSTIC_DISCLAIMER if detects_finding else None,
    )


def is_radiograph(info: BundleInfo) -> bool:
    """Return True for a model of X-rays: the corruptions of its robustness table and DICOM files apply to it."""
    return (info.modality or ("radiograph" if info.preprocessing == _RADIOGRAPHS else "photo")) == "radiograph"
