"""dlt's rest_api source reading all people, not loaded anywhere: python benchmarks/peers/dlt_people.py URL KEY"""

import sys
import time

from dlt.sources.rest_api import rest_api_source


def read(url: str, key: str) -> int:
    source = rest_api_source(
        {
            "client": {
                "base_url": url,
                "headers": {"OSDI-API-Token": key},
                "paginator": {"type": "page_number", "base_page": 1, "total_path": None, "stop_after_empty_page": True},
            },
            "resources": [
                {
                    "name": "people",
                    "endpoint": {
                        "path": "people",
                        "params": {"per_page": 25},
                        "data_selector": "_embedded.'osdi:people'",
                    },
                }
            ],
        }
    )
    return sum(1 for _ in source.resources["people"])


if __name__ == "__main__":
    began_s = time.perf_counter()
    people = read(*sys.argv[1:3])
    print(f'{{"people": {people}, "seconds": {time.perf_counter() - began_s}}}')
