python -m pip install --no-deps --editable "$(pwd -P)"
