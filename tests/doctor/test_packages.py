"""Packages that are missing, of another version, installed over each other or that do not load."""

from __future__ import annotations

from email.message import Message
from importlib.metadata import PackageNotFoundError

import pytest

from faceswap_cli.doctor import packages
from faceswap_cli.doctor.checks import Check, CheckState, DoctorOptions

GOOD = {"numpy": "2.4.6", "opencv-python": "5.0.0.93", "rich": "15.0.0", "faceswap-cli": "0.1.0"}
REQUIRES = ["numpy<3,>=2.4", "opencv-python<6,>=5", "rich<16,>=15", "starlette<2,>=1.10; extra == 'serve'",
            "torch>=2; extra == 'gfpgan'", "gfpgan>=1.3; python_version < '3' and extra == 'gfpgan'",
            "pytest>=9; extra == 'test'", "colorama; sys_platform == 'nowhere'"]


class Installed:
    """What the metadata says is installed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.versions = dict(GOOD)
        described = Message()
        for extra in ("test", "serve", "gfpgan"):
            described["Provides-Extra"] = extra
        monkeypatch.setattr(packages, "version", self._version)
        monkeypatch.setattr(packages, "requires", lambda name: REQUIRES)
        monkeypatch.setattr(packages, "metadata", lambda name: described)
        self._monkeypatch = monkeypatch

    def _version(self, name: str) -> str:
        if name not in self.versions:
            raise PackageNotFoundError(name)
        return self.versions[name]

    def breaks(self, module: str, error: Exception) -> None:
        """Let a module not load."""
        def import_module(name: str) -> None:
            if name == module:
                raise error

        self._monkeypatch.setattr(packages, "import_module", import_module)

    def check(self, name: str) -> Check:
        checks = [check for look in packages.LOOKS.values() for check in look(DoctorOptions())]
        return {check.name: check for check in checks}[name]


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> Installed:
    return Installed(monkeypatch)


def test_all_is_well(installed: Installed) -> None:
    assert installed.check("numpy").state is CheckState.OK
    assert installed.check("others").data == {"rich": "15.0.0"}


def test_a_missing_package_is_a_failure_with_its_install_line(installed: Installed) -> None:
    for name in ("numpy", "rich"):
        del installed.versions[name]
        check = installed.check(name)
        assert check.state is CheckState.FAIL
        assert check.advice.startswith(f"pip install '{name}") and ">=" in check.advice


def test_a_version_that_is_not_asked_for_is_a_warning(installed: Installed) -> None:
    installed.versions |= {"numpy": "1.26.4", "rich": "14.0"}
    for name in ("numpy", "rich"):
        check = installed.check(name)
        assert check.state is CheckState.WARN and installed.versions[name] in check.finding


def test_a_package_that_serves_in_place_of_another_is_good(installed: Installed) -> None:
    installed.versions["opencv-python-headless"] = installed.versions.pop("opencv-python")
    check = installed.check("opencv-python")
    assert check.state is CheckState.OK and "opencv-python-headless" in check.finding


def test_two_packages_over_each_other_are_a_warning(installed: Installed) -> None:
    installed.versions["opencv-python-headless"] = "5.0.0.93"
    check = installed.check("opencv-python")
    assert check.state is CheckState.WARN
    assert "pip uninstall -y opencv-python opencv-python-headless" in check.advice


def test_a_package_that_does_not_load_is_a_failure_that_says_why(installed: Installed) -> None:
    installed.breaks("cv2", ImportError("libGL.so.1: cannot open shared object file"))
    check = installed.check("opencv-python")
    assert check.state is CheckState.FAIL and "libGL.so.1" in check.finding
    assert "libgl1" in check.advice and "headless" in check.advice
    installed.breaks("numpy", ImportError("numpy.core.multiarray\nfailed to import"))
    check = installed.check("numpy")
    assert "\n" not in check.finding and "--force-reinstall 'numpy" in check.advice


def test_extras_are_notes_with_their_install_line(installed: Installed) -> None:
    check = installed.check("extra serve")
    assert (check.state, check.advice) == (CheckState.NOTE, "pip install 'faceswap-cli[serve]'")
    installed.versions["starlette"] = "1.12"
    assert installed.check("extra serve").state is CheckState.OK
    installed.versions["starlette"] = "0.9"
    assert installed.check("extra serve").state is CheckState.WARN
    installed.versions["torch"] = "2.13"  # gfpgan itself is for another Python
    assert installed.check("extra gfpgan").state is CheckState.OK
    with pytest.raises(KeyError):
        installed.check("extra test")


def test_faceswap_that_is_not_installed_is_told_once(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> None:
    def requires(name: str) -> list[str]:
        raise PackageNotFoundError(name)

    monkeypatch.setattr(packages, "requires", requires)
    told = [check for name, look in packages.LOOKS.items() if name != "extras" for check in look(DoctorOptions())]
    assert [(check.name, check.state) for check in told] == [("versions", CheckState.WARN)]
