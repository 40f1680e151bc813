"""A client of the emulator in Python: it logs in with tokens of the endpoint of managed identities, outlives the
first by AUTH, and is closed by the cache once it no longer sends one. It prints what happens, a word a line."""

import json
import os
import time
import urllib.parse
import urllib.request

import redis


def acquire_token():
    query = urllib.parse.urlencode({"api-version": "2019-08-01", "resource": "https://redis.azure.com"})
    request = urllib.request.Request(
        f"{os.environ['IDENTITY_ENDPOINT']}?{query}",
        headers={"X-IDENTITY-HEADER": os.environ["IDENTITY_HEADER"]},
    )
    with urllib.request.urlopen(request) as response:
        body = json.load(response)
    return body["access_token"], int(body["expires_on"])


oid = os.environ["OBJECT_ID"]
token, expires_on = acquire_token()
first_expiry = expires_on
client = redis.Redis(
    host=os.environ["REDIS_HOST"],
    port=int(os.environ["REDIS_PORT"]),
    username=oid,
    password=token,
    ssl=True,
    ssl_ca_certs=os.environ["REDIS_CA_FILE"],
    single_connection_client=True,
)
print(client.execute_command("ACL", "WHOAMI").decode() == oid and "login", flush=True)

while time.time() < first_expiry + 0.5:
    token, expires_on = acquire_token()
    client.execute_command("AUTH", oid, token)
    client.ping()
    time.sleep(0.2)
print("alive", flush=True)

try:
    # On one connection: redis-py connects again by itself for the next command.
    client.connection.send_command("BLPOP", "nothing", 0)
    client.connection.read_response()
except redis.exceptions.ConnectionError:
    print("evicted", flush=True)
