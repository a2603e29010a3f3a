"""The catalogue of messages for visitors and callers, in Spanish and English.

The texts of tasks are in their bundles or in `models.tasks`; all other texts are here. Error codes, verdicts and
reasons are keys of the catalogue. A test finds unused keys.
"""

from models.images.formats import format_titles
from serving.i18n.language import Language

_ERRORS: dict[str, dict[Language, str]] = {
    "missing_file": {"es": "No se encontró el archivo", "en": "The file was not found"},
    "expired_file": {
        "es": "La imagen ya se borró del servidor: súbela otra vez",
        "en": "The picture was already deleted from the server: upload it again",
    },
    "no_file_selected": {"es": "No se seleccionó ningún archivo", "en": "No file was selected"},
    "empty_file": {
        "es": "El archivo está vacío: elige otro",
        "en": "The file is empty: choose another one",
    },
    "too_large": {
        "es": "El archivo pesa demasiado: el límite es de {megabytes} MB",
        "en": "The file is too large: the limit is {megabytes} MB",
    },
    "unsupported_type": {
        "es": f"El archivo no es una imagen que Vistazo sepa leer: envía {format_titles('o')}",
        "en": f"The file is not a picture that Vistazo can read: send {format_titles('or')}",
    },
    "unreadable_image": {
        "es": "La imagen está dañada o es de un tipo poco común: guárdala de nuevo como PNG o JPEG y vuelve a enviarla",
        "en": "The picture is damaged or of a rare variant: save it again as PNG or JPEG and send that",
    },
    "too_many_pixels": {
        "es": "La imagen tiene demasiados píxeles: el límite es de {megapixels} megapíxeles; envíala reducida",
        "en": "The picture has too many pixels: the limit is {megapixels} megapixels; reduce it and send it again",
    },
    "too_much_memory": {
        "es": "La imagen necesita demasiada memoria: guárdala como JPEG, o más pequeña, y vuelve a enviarla",
        "en": "The picture needs too much memory: save it as JPEG, or smaller, and send that",
    },
    "invalid_request": {
        "es": "El parámetro «{parameter}» no tiene un valor válido: consulta /docs",
        "en": "The parameter “{parameter}” has no valid value: see /docs",
    },
    "not_found": {
        "es": "No existe esa dirección: consulta /docs",
        "en": "There is no such address: see /docs",
    },
    "method_not_allowed": {
        "es": "Esa dirección no admite este método: usa {allowed}",
        "en": "That address does not take this method: use {allowed}",
    },
    "unauthorized": {
        "es": "Falta la clave de administración o no es la correcta: envíala como «Authorization: Bearer CLAVE»",
        "en": "The admin key is missing or wrong: send it as “Authorization: Bearer KEY”",
    },
    "no_admin_key": {
        "es": "Este servidor no tiene clave de administración: arráncalo con VISTAZO_ADMIN_KEY",
        "en": "This server has no admin key: start it with VISTAZO_ADMIN_KEY set",
    },
    "unknown_task": {
        "es": "No hay ningún modelo llamado «{task}»: elige entre {tasks}",
        "en": "There is no model called “{task}”: choose one of {tasks}",
    },
    "model_not_loaded": {
        "es": "El modelo «{task}» no está disponible: sus archivos faltan o están dañados",
        "en": "The model “{task}” is not available: its files are missing or damaged",
    },
    "model_refused": {
        "es": "El modelo «{task}» no se cambió y sigue el anterior, porque el nuevo no es válido: {reason}",
        "en": "The model “{task}” was not changed and the old one is still served, because the new one is not valid: "
        "{reason}",
    },
    "hub_failed": {
        "es": "El modelo «{task}» no se cambió y sigue el anterior, porque el Hub no entregó el nuevo: {reason}",
        "en": "The model “{task}” was not changed and the old one is still served, because the Hub did not deliver the "
        "new one: {reason}",
    },
    "busy": {
        "es": "Hay demasiadas imágenes en espera: inténtalo de nuevo en unos segundos",
        "en": "Too many pictures are waiting: try again in a few seconds",
    },
    "slow_upload": {
        "es": "El archivo tardó demasiado en llegar: inténtalo de nuevo, o envía una imagen más pequeña",
        "en": "The file took too long to arrive: try again, or send a smaller picture",
    },
    "timeout": {
        "es": "La respuesta tardó más de {seconds} segundos: inténtalo de nuevo",
        "en": "The answer took longer than {seconds} seconds: try again",
    },
    "internal_error": {
        "es": "Algo falló en el servidor: inténtalo de nuevo y, si persiste, avisa con este identificador",
        "en": "Something failed on the server: try again and, if it persists, report this identifier",
    },
    "url_refused": {
        "es": "Vistazo no descarga imágenes de otras direcciones: envía el archivo",
        "en": "Vistazo does not download pictures from elsewhere: send the file",
    },
}

_HEALTH: dict[str, dict[Language, str]] = {
    "warming_up": {"es": "Los modelos se están preparando", "en": "The models are warming up"},
    "no_workers": {
        "es": "Ningún proceso puede clasificar imágenes en este momento: se están reemplazando",
        "en": "No process can classify pictures at the moment: they are being replaced",
    },
    "no_models": {"es": "Ningún modelo está disponible", "en": "No model is available"},
}

_FALLBACKS: dict[str, dict[Language, str]] = {
    "hub_refused": {
        "es": "{wanted} no existe en el Hub, o este servidor no puede leerlo",
        "en": "{wanted} is not on the Hub, or this server may not read it",
    },
    "hub_unreachable": {
        "es": "{wanted} no se pudo descargar: el Hub no responde o responde demasiado despacio",
        "en": "{wanted} could not be downloaded: the Hub does not respond, or too slowly",
    },
    "hub_storage": {
        "es": "{wanted} no se pudo guardar: el disco está lleno o no se puede escribir en él",
        "en": "{wanted} could not be stored: the disk is full, or cannot be written to",
    },
    "hub_damaged": {
        "es": "{wanted} está dañado o es el modelo de otra tarea",
        "en": "{wanted} is damaged, or is the model of another task",
    },
}

_ANSWERS: dict[str, dict[Language, str]] = {
    "confident": {"es": "Respuesta clara", "en": "Clear answer"},
    "uncertain": {"es": "Respuesta dudosa", "en": "Doubtful answer"},
    "rejected": {"es": "Sin respuesta", "en": "No answer"},
    "confident_meaning": {
        "es": "El modelo distingue bien esta imagen. Aun así puede equivocarse.",
        "en": "The model tells this picture apart well. It can still be wrong.",
    },
    "blank": {
        "es": "No se ve ningún trazo. Dibuja un dígito, o sube una imagen en la que se distinga.",
        "en": "No stroke is visible. Draw a digit, or upload a picture in which it is clear.",
    },
    "several_digits": {
        "es": "Parece que hay más de un dígito. Envía uno solo: no te fíes de esta respuesta.",
        "en": "There seems to be more than one digit. Send a single one: do not rely on this answer.",
    },
    "low_confidence": {
        "es": "Las probabilidades están demasiado repartidas: no te fíes de esta respuesta.",
        "en": "The probabilities are too close to call: do not rely on this answer.",
    },
    "weak_signal": {
        "es": "Otra etiqueta es más probable, pero este modelo avisa ya ante señales débiles, para que se le escapen "
        "menos casos: no te fíes de esta respuesta.",
        "en": "Another label is more probable, but this model reports weak signals too, so as to miss fewer cases: do "
        "not rely on this answer.",
    },
    "unfamiliar": {
        "es": "La imagen no se parece a las que conoce este modelo. Prueba con otra del tipo que pide.",
        "en": "The picture is unlike those this model knows. Try another one of the kind it asks for.",
    },
}

_PAGE: dict[str, dict[Language, str]] = {
    "tagline": {
        "es": "Una imagen, un vistazo, una respuesta honesta.",
        "en": "A picture, a glance, an honest answer.",
    },
    "privacy": {
        "es": "Las imágenes no se guardan: se borran a los pocos minutos.",
        "en": "Pictures are not kept: they are deleted within minutes.",
    },
    "api_docs": {"es": "Documentación de la API", "en": "API documentation"},
    "from_terminal": {"es": "Desde la terminal:", "en": "From a terminal:"},
    "and_more": {"es": "{names} y {n} más", "en": "{names} and {n} more"},
    "upload_label": {"es": "Imagen", "en": "Picture"},
    "upload_hint": {
        "es": "Arrastra una imagen\n- o -\nToca para elegirla",
        "en": "Drop a picture here\n- or -\nTap to choose one",
    },
    "draw": {"es": "Dibujar", "en": "Draw"},
    "upload": {"es": "Subir", "en": "Upload"},
    "wipe": {"es": "Borrar", "en": "Clear"},
    "read": {"es": "Leer", "en": "Read"},
    "examples": {"es": "Ejemplos", "en": "Examples"},
    "waiting": {"es": "Aquí aparecerá la respuesta.", "en": "The answer will appear here."},
    "what_it_saw": {"es": "Lo que vio la red", "en": "What the network saw"},
    "where_it_looked": {"es": "Dónde miró la red", "en": "Where the network looked"},
    "heat_note": {
        "es": "Cuanto más cálido el color, más pesó esa zona en la respuesta.",
        "en": "The warmer the colour, the more that area weighed in the answer.",
    },
    "model_line": {"es": "Modelo {version}.", "en": "Model {version}."},
    "test_line": {
        "es": "Modelo {version}. En {n} imágenes de prueba, que no se usaron en el entrenamiento:",
        "en": "Model {version}. On {n} test pictures, which were not used in training:",
    },
    "metric_line": {
        "es": "{metric}: {value} (intervalo del 95\u00a0%: {low} a {high})",
        "en": "{metric}: {value} (95% interval: {low} to {high})",
    },
    "accuracy": {"es": "aciertos", "en": "accuracy"},
    "roc_auc": {"es": "área bajo la curva ROC", "en": "area under the ROC curve"},
    "sensitivity": {"es": "sensibilidad", "en": "sensitivity"},
    "specificity": {"es": "especificidad", "en": "specificity"},
    "tab_unavailable": {
        "es": "Este modelo no está disponible: sus archivos faltan o están dañados. Los demás funcionan con "
        "normalidad; quien administra el servidor verá el motivo exacto en su registro.",
        "en": "This model is not available: its files are missing or damaged. The others work as usual; whoever runs "
        "the server will find the exact reason in its log.",
    },
}

MESSAGES: dict[str, dict[Language, str]] = _ERRORS | _HEALTH | _FALLBACKS | _ANSWERS | _PAGE


def text(key: str, language: Language, **values: object) -> str:
    """Return the message `key` in `language`, with its placeholders filled."""
    return MESSAGES[key][language].format(**values)
