"""``python -m spectralm.config`` prints the JSON schema of the config, as YAML."""

import yaml

from spectralm.config.options import Config

if __name__ == "__main__":
    print(yaml.safe_dump(Config.model_json_schema(), sort_keys=False, width=100), end="")
