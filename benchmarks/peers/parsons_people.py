"""Parsons reading all people: python benchmarks/peers/parsons_people.py URL KEY"""

import sys
import time

import parsons.action_network.action_network as module


def read(url: str, key: str) -> int:
    module.API_URL = url
    return int(module.ActionNetwork(api_token=key).get_people().num_rows)


if __name__ == "__main__":
    began_s = time.perf_counter()
    people = read(*sys.argv[1:3])
    print(f'{{"people": {people}, "seconds": {time.perf_counter() - began_s}}}')
