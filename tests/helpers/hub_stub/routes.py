"""The routes of the stub of the Hub, as `huggingface_hub` 2.4 asks for them. See `tests.helpers.hub_stub.stub`."""

import base64
import json
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Route

from tests.helpers.hub_stub.cards import faults_of_card
from tests.helpers.hub_stub.storage import Commit, File, Repository, is_lfs

if TYPE_CHECKING:
    from tests.helpers.hub_stub.stub import Hub

WRITABLE = "the token has no right to write here"
KINDS = {"models": "model", "spaces": "space"}


class _Refused(HTTPException):
    """An error as the Hub words it: in the body and in two headers."""

    def __init__(self, status: int, message: str, code: str = "") -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        super().__init__(status, message, headers)


async def _refusal(_request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)
    return JSONResponse({"error": error.detail}, error.status_code, error.headers)


def application(hub: "Hub", tokens: dict[str, bool], cdn: str) -> Starlette:
    """The Hub's routes. `tokens`: whether each may write; `cdn`: where the bytes of LFS are, another origin."""
    handlers = _Handlers(hub, tokens, cdn)
    api = "/api/{kind}/{user}/{name}"
    routes: list[tuple[str, str, Callable[[Request], Awaitable[Response]]]] = [
        ("GET", "/api/whoami-v2", handlers.whoami),
        ("POST", "/api/repos/create", handlers.create),
        ("POST", "/api/validate-yaml", handlers.validate_yaml),
        ("GET", api, handlers.info),
        ("GET", f"{api}/revision/{{revision}}", handlers.info),
        ("GET", f"{api}/tree/{{revision}}", handlers.tree),
        ("GET", f"{api}/refs", handlers.refs),
        ("POST", f"{api}/paths-info/{{revision}}", handlers.paths_info),
        ("POST", f"{api}/preupload/{{revision}}", handlers.preupload),
        ("POST", f"{api}/commit/{{revision}}", handlers.commit),
        ("POST", f"{api}/tag/{{revision}}", handlers.tag),
        ("DELETE", f"{api}/tag/{{revision}}", handlers.delete_tag),
        ("GET", f"{api}/variables", handlers.variables),
        ("POST", f"{api}/variables", handlers.variables),
        ("PUT", "/lfs/{oid}", handlers.put),
        ("GET", "/cdn/{oid}", handlers.cdn_file),
    ]
    for prefix in ("/{kind}/{user}/{name}", "/{user}/{name}"):
        routes += [
            ("POST", f"{prefix}.git/info/lfs/objects/batch", handlers.batch),
            ("POST", f"{prefix}.git/info/lfs/objects/verify", handlers.verify),
            ("GET", f"{prefix}/resolve/{{revision}}/{{path:path}}", handlers.resolve),
        ]
    return Starlette(
        routes=[Route(path, handler, methods=[method]) for method, path, handler in routes],
        exception_handlers={HTTPException: _refusal},
    )


class _Handlers:
    def __init__(self, hub: "Hub", tokens: dict[str, bool], cdn: str) -> None:
        self.hub, self.tokens, self.cdn = hub, tokens, cdn

    async def whoami(self, request: Request) -> Response:
        token = self._token(request)
        if token is None:
            raise _Refused(401, "Invalid username or password.")
        role = "write" if self.tokens[token] else "read"
        auth = {"type": "access_token", "accessToken": {"displayName": "test", "role": role}}
        return JSONResponse({"type": "user", "id": "1", "name": self.hub.user, "orgs": [], "auth": auth})

    async def create(self, request: Request) -> Response:
        wanted = await request.json()
        user = wanted.get("organization") or self.hub.user
        repo_type, repo_id = wanted.get("type") or "model", f"{user}/{wanted['name']}"
        self._check_writes(request, user, f"You don't have the rights to create a {repo_type} under {user!r}")
        url = f"{self.hub.endpoint}/{'spaces/' if repo_type == 'space' else ''}{repo_id}"
        if (repo_type, repo_id) in self.hub.repositories:
            message = f"You already created this {repo_type} repo"
            return JSONResponse({"error": message, "url": url}, 409, {"X-Error-Message": message})
        private = wanted.get("visibility") == "private"
        self.hub.repositories[repo_type, repo_id] = Repository(private)
        return JSONResponse({"url": url, "name": repo_id, "id": "1"})

    async def validate_yaml(self, request: Request) -> Response:
        asked = await request.json()
        errors, warnings = faults_of_card(asked["content"], asked["repoType"])
        found = {"errors": [{"message": error} for error in errors], "warnings": [{"message": w} for w in warnings]}
        return JSONResponse(found, 400 if errors else 200)

    async def info(self, request: Request) -> Response:
        repository, commit = self._repository(request), self._commit(request)
        user, name = request.path_params["user"], request.path_params["name"]
        return JSONResponse(
            {
                "id": f"{user}/{name}",
                "author": user,
                "sha": commit.oid,
                "private": repository.private,
                "siblings": [{"rfilename": path} for path in sorted(commit.files)],
                "tags": [],
            }
        )

    async def tree(self, request: Request) -> Response:
        files = self._commit(request).files
        folders = {path.rpartition("/")[0] for path in files if "/" in path}
        entries: list[dict[str, Any]] = [{"type": "directory", "oid": "0" * 40, "size": 0, "path": p} for p in folders]
        entries += [_entry(path, file) for path, file in files.items()]
        if request.query_params.get("recursive", "").lower() not in ("true", "1"):
            entries = [entry for entry in entries if "/" not in entry["path"]]
        return JSONResponse(entries)

    async def paths_info(self, request: Request) -> Response:
        files = self._commit(request).files
        paths = parse_qs((await request.body()).decode())["paths"]
        return JSONResponse([_entry(path, files[path]) for path in paths if path in files])

    async def refs(self, request: Request) -> Response:
        repository = self._repository(request)
        found = {
            kind: [{"name": n, "ref": f"refs/{folder}/{n}", "targetCommit": oid} for n, oid in names.items()]
            for kind, folder, names in (("branches", "heads", repository.branches), ("tags", "tags", repository.tags))
        }
        return JSONResponse({**found, "converts": []})

    async def preupload(self, request: Request) -> Response:
        self._to_write(request)
        there = self._commit(request).files
        answers = []
        for file in (await request.json())["files"]:
            lfs = is_lfs(file["path"], file["size"], base64.b64decode(file["sample"]))
            answer = {"path": file["path"], "uploadMode": "lfs" if lfs else "regular", "shouldIgnore": False}
            if file["path"] in there:
                answer["oid"] = there[file["path"]].etag
            answers.append(answer)
        return JSONResponse({"files": answers})

    async def batch(self, request: Request) -> Response:
        self._to_write(request)
        objects = []
        for wanted in (await request.json())["objects"]:
            if wanted["oid"] not in self.hub.objects:
                verify = str(request.url).removesuffix("batch") + "verify"
                upload = {"href": f"{self.hub.endpoint}/lfs/{wanted['oid']}", "header": {}}
                wanted["actions"] = {"upload": upload, "verify": {"href": verify, "header": {}}}
            objects.append(wanted)
        return JSONResponse({"transfer": "basic", "objects": objects})

    async def put(self, request: Request) -> Response:
        file = File(await request.body(), lfs=True)
        if file.sha256 != request.path_params["oid"]:
            raise _Refused(400, "the bytes have another SHA-256")
        self.hub.objects[file.sha256] = file.content
        return Response()

    async def verify(self, request: Request) -> Response:
        asked = await request.json()
        if len(self.hub.objects.get(asked["oid"], b"")) != asked["size"]:
            raise _Refused(404, "no such object")
        return JSONResponse({})

    async def commit(self, request: Request) -> Response:
        repository = self._to_write(request)
        branch = request.path_params["revision"]
        parent, title, changes = repository.branches.get(branch), "", dict[str, bytes | None]()
        for line in (await request.body()).splitlines():
            key, value = (item := json.loads(line))["key"], item["value"]
            if key == "header":
                title = value["summary"]
                if value.get("parentCommit") not in (None, parent):
                    raise _Refused(412, "A commit has happened since. Please refresh and try again.")
            elif key == "file":
                changes[value["path"]] = base64.b64decode(value["content"])
            elif key == "lfsFile":
                if value["oid"] not in self.hub.objects:
                    raise _Refused(400, f"LFS pointer of {value['path']} points to a file that does not exist")
                changes[value["path"]] = self.hub.objects[value["oid"]]
            elif key == "deletedFile" and value["path"] in self._commit(request).files:
                changes[value["path"]] = None
            else:
                raise _Refused(404, "A file with this name doesn't exist", "EntryNotFound")
        made = repository.commit(branch, changes, title)
        page = request.url.path.partition("/commit/")[0].removeprefix("/api").removeprefix("/models")
        return JSONResponse(
            {"success": True, "commitOid": made.oid, "commitUrl": f"{self.hub.endpoint}{page}/commit/{made.oid}"}
        )

    async def tag(self, request: Request) -> Response:
        repository, commit = self._to_write(request), self._commit(request)
        name = (await request.json())["tag"]
        if name in repository.tags:
            raise _Refused(409, f"Tag {name} already exists")
        repository.tags[name] = commit.oid
        return JSONResponse({})

    async def delete_tag(self, request: Request) -> Response:
        if self._to_write(request).tags.pop(request.path_params["revision"], None) is None:
            raise _Refused(404, "no such tag", "RevisionNotFound")
        return JSONResponse({})

    async def variables(self, request: Request) -> Response:
        there = self._to_write(request).variables
        if request.method == "POST":
            wanted = await request.json()
            there[wanted["key"]] = wanted["value"]
        return JSONResponse({key: {"key": key, "value": value} for key, value in there.items()})

    async def resolve(self, request: Request) -> Response:
        commit = self._commit(request)
        headers = {"X-Repo-Commit": commit.oid}
        file = commit.files.get(request.path_params["path"])
        if file is None:
            headers |= {"X-Error-Code": "EntryNotFound", "X-Error-Message": "Entry not found"}
            return Response("Entry not found", 404, headers)
        if not file.lfs:
            return _bytes(request, file.content, headers | {"ETag": f'"{file.etag}"'})
        headers |= {"X-Linked-Etag": f'"{file.etag}"', "X-Linked-Size": str(len(file.content))}
        return RedirectResponse(f"{self.cdn}/cdn/{file.sha256}", 302, headers)

    async def cdn_file(self, request: Request) -> Response:
        content = self.hub.objects[request.path_params["oid"]]
        return _bytes(request, content, {"ETag": f'"{request.path_params["oid"]}"'})

    def _token(self, request: Request) -> str | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ") or None
        if token is not None and token not in self.tokens:
            raise _Refused(401, "Invalid credentials in Authorization header")
        return token

    def _repository(self, request: Request) -> Repository:
        token, parameters = self._token(request), request.path_params
        kind = KINDS.get(parameters.get("kind", "models"), "")
        repository = self.hub.repositories.get((kind, f"{parameters['user']}/{parameters['name']}"))
        if repository is None or (repository.private and token is None):
            # Who is not known is not told which of the two it is.
            status, message = (401, "Invalid username or password.") if token is None else (404, "Repository not found")
            raise _Refused(status, message, "RepoNotFound")
        return repository

    def _commit(self, request: Request) -> Commit:
        revision = request.path_params.get("revision", "main")
        commit = self._repository(request).find(revision)
        if commit is None:
            raise _Refused(404, f"Invalid rev id: {revision}", "RevisionNotFound")
        return commit

    def _to_write(self, request: Request) -> Repository:
        repository = self._repository(request)
        self._check_writes(request, request.path_params["user"], WRITABLE)
        return repository

    def _check_writes(self, request: Request, user: str, message: str) -> None:
        token = self._token(request)
        if token is None:
            raise _Refused(401, "Invalid username or password.")
        if user != self.hub.user or not self.tokens[token]:
            raise _Refused(403, message)


def _entry(path: str, file: File) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": file.blob, "size": len(file.content), "path": path}
    if file.lfs:
        entry["lfs"] = {"oid": file.sha256, "size": len(file.content), "pointerSize": 134}
    return entry


def _bytes(request: Request, content: bytes, headers: dict[str, str]) -> Response:
    """The whole, or what is left after the start that a resumed download asks for."""
    headers["Accept-Ranges"] = "bytes"
    start, _, end = request.headers.get("range", "").removeprefix("bytes=").partition("-")
    if not start:
        return Response(content, 200, headers, "application/octet-stream")
    last = min(int(end) if end else len(content), len(content) - 1)
    if int(start) >= len(content):
        return Response(status_code=416, headers={"Content-Range": f"bytes */{len(content)}"})
    headers["Content-Range"] = f"bytes {start}-{last}/{len(content)}"
    return Response(content[int(start) : last + 1], 206, headers, "application/octet-stream")
