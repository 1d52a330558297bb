"""The options about what an output says of itself, in a group: label, signature, the target's metadata."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import typer

from faceswap_cli.errors import UsageError
from faceswap_cli.options import Credentials
from faceswap_cli.text import opt

MARKS = "Marks and metadata"

LabelOption = Annotated[str | None, typer.Option(
    "--label", metavar="TEXT", show_default=False, rich_help_panel=MARKS,
    help="Draw this text into the lower right corner of every picture.")]

CertificateOption = Annotated[str | None, typer.Option(
    "--c2pa-cert", metavar="FILE", show_default=False, rich_help_panel=MARKS,
    help="Sign the output by C2PA (Content Credentials): chain of certificates in PEM, the signer's first. Needs the "
         "extra c2pa. BMP, MKV and WebM get the signature in a file beside them, such as out.webm.c2pa.")]

KeyOption = Annotated[str | None, typer.Option(
    "--c2pa-key", metavar="FILE", show_default=False, rich_help_panel=MARKS,
    help="The private key of --c2pa-cert, in PEM, without a password.")]

KeepMetadataOption = Annotated[bool, typer.Option(
    "--keep-metadata", rich_help_panel=MARKS,
    help="Copy the target's EXIF, XMP and IPTC, the place where it was taken included; else none of it is kept.")]


@dataclass(frozen=True, slots=True)
class MarkingChoice:
    """What the output tells of itself."""

    label: LabelOption = None
    c2pa_cert: CertificateOption = None
    c2pa_key: KeyOption = None
    keep_metadata: KeepMetadataOption = False

    def checked_label(self) -> str | None:
        """The text as it is drawn.

        Raises:
            UsageError: It cannot be drawn.
        """
        if self.label is None:
            return None
        from faceswap_cli.media.marks.label import check_label

        return check_label(self.label)

    def credentials(self, *, provenance: bool) -> Credentials | None:
        """What signs outputs; looked at now, before any work.

        Args:
            provenance: Whether outputs are marked.

        Raises:
            UsageError: One without the other, or with `--no-provenance`.
            MissingDependencyError: c2pa-python is not installed.
            InputError: They cannot sign.
        """
        given = {"--c2pa-cert": self.c2pa_cert, "--c2pa-key": self.c2pa_key}
        for option, value in given.items():
            if value == "":
                raise UsageError(f"the value given to {opt(option)} is empty", advice="leave it out, or give one")
        if self.c2pa_cert is None and self.c2pa_key is None:
            return None
        if self.c2pa_cert is None or self.c2pa_key is None:
            missing = next(option for option, value in given.items() if value is None)
            raise UsageError(f"{opt('c2pa-cert')} and {opt('c2pa-key')} go together", advice=f"add {missing}")
        if not provenance:
            raise UsageError(f"{opt('no-provenance')} contradicts {opt('c2pa-cert')}: a signed output says that it is "
                             "a composite", advice="leave one of them out")
        from faceswap_cli.media.marks.signing import check_credentials

        credentials = Credentials(self.c2pa_cert, self.c2pa_key)
        check_credentials(credentials)
        return credentials
