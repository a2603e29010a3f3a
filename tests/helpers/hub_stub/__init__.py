"""A stub of the Hugging Face Hub. The fixtures `hub` and `hub_here` in tests/conftest.py start it.

It follows what the client `huggingface_hub` 2.4 sends and reads over HTTP, taken from the client's source:

- accounts: `whoami-v2`, a token that may write and one that may only read, 401, 403 and 404 as the Hub gives them;
- repositories (models and Spaces): create, information, revisions, tree, single paths, branches and tags, variables;
- commits: `preupload`, the NDJSON of `commit`, LFS batch, upload and verify, deletions, parent commits that moved on;
- downloads: `resolve` with its headers and redirects, ranges, LFS bytes from another host;
- cards: `validate-yaml`, with the rules that `cards.py` lists.

It has no xet, no multipart upload, no pull requests, no data sets, no gated repositories, no user pages and no rate
limits of its own: a test adds a `Fault` for a status, a delay or a connection that is cut. It keeps everything in
memory. What passes against it has not been tried on the Hub itself.
"""
