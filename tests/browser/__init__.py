"""Tests in a real browser. A package, so that its fixtures last as long as its tests."""
