#!/bin/sh
# Prints an access token of the bench's bot; BASE is the broker's address.
curl --silent --fail "$BASE/v1/oauth/token" --data grant_type=client_credentials --data client_id=bench-bot \
    --data client_secret=the-secret-of-the-login-bench | sed 's/.*"access_token" *: *"\([^"]*\)".*/\1/'
