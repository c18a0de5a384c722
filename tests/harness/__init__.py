"""What the tests stand on: two real engines and a consumer project that installs the package."""
