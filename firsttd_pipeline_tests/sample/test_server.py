"""The loopback server hands out the files as they are, and says 404 for what is not there."""

from __future__ import annotations

import urllib.error
import urllib.request
from pathlib import Path

import pytest

from firsttd_pipeline.sample.server import serve


def test_a_file_arrives_whole_over_one_kept_connection(tmp_path: Path) -> None:
    import http.client

    content = bytes(range(256)) * 5_000
    (tmp_path / "pbp").mkdir()
    (tmp_path / "pbp" / "a.parquet").write_bytes(content)
    with serve(tmp_path) as served:
        assert served.url.startswith("http://127.0.0.1:")
        assert served.url.endswith("/")
        connection = http.client.HTTPConnection(served.url.split("/")[2], timeout=10)
        for _ in range(2):
            connection.request("GET", "/pbp/a.parquet")
            answer = connection.getresponse()
            assert answer.version == 11
            assert answer.getheader("Last-Modified")
            assert answer.read() == content
        connection.close()


def test_what_is_not_there_is_a_404_and_nothing_is_printed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with serve(tmp_path) as served, pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(served.url + "pbp/none.parquet", timeout=10)
    assert refused.value.code == 404
    refused.value.close()
    assert capsys.readouterr() == ("", "")


def test_after_the_block_nobody_answers(tmp_path: Path) -> None:
    with serve(tmp_path) as served:
        pass
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(served.url, timeout=2)


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NotADirectoryError, match="none"), serve(tmp_path / "none"):
        pass
