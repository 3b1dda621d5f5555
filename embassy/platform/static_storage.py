"""Static files under names that change with their content, compressed once, so that browsers keep them."""

from servestatic.storage import CompressedManifestStaticFilesStorage


class StaticStorage(CompressedManifestStaticFilesStorage):  # type: ignore[misc] # it comes without types
    """Where `prepare` has not collected anything yet, as in tests, files have their own names."""

    def stored_name(self, name: str) -> str:
        return str(super().stored_name(name)) if self.hashed_files else name
