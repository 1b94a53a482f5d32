#!/bin/sh
# This broker as a peer of a login bench that compares relying parties side by side. The bench names in the
# environment: PORT, OP (the provider's origin), MODE (`oauth2` or `oidc`), CLIENT_ID and CLIENT_SECRET, and
# for variants STORE (`redis` for a server of its own). COUNTERSIGN is the release binary. It serves 127.0.0.1:$PORT in the
# foreground; whatever it starts ends with it.
set -eu
program=${COUNTERSIGN:?the release binary}
folder=$(mktemp -d)
mkdir "$folder/tenants"
"$program" key new --out "$folder/keys.toml" > /dev/null
hash=$(printf '%s' the-secret-of-the-login-bench | "$program" secret hash)
issuer='' scope=email
if [ "$MODE" = oidc ]; then
    issuer="issuer = \"$OP\"" scope='openid email'
fi
sed -e "s|@OP@|$OP|g" -e "s|@CLIENT_ID@|$CLIENT_ID|" -e "s|@SCOPE@|$scope|" -e "s|@ISSUER@|$issuer|" \
    -e "s|@HASH@|$hash|" "$(dirname "$0")/tenant.toml" > "$folder/tenants/peer.toml"
store="sqlite:$folder/peer.db"
if [ "${STORE:-sqlite}" = redis ]; then
    redis-server --bind 127.0.0.1 --port $((PORT + 1)) --dir "$folder" --save '' \
        --appendonly yes --appendfsync always --maxmemory-policy noeviction > "$folder/redis.log" &
    until redis-cli -p $((PORT + 1)) ping > /dev/null 2>&1; do sleep 0.1; done
    store="redis://127.0.0.1:$((PORT + 1))"
fi
exec "$program" serve --listen "127.0.0.1:$PORT" --base-url "http://localhost:$PORT" --store "$store" \
    --tenants "$folder/tenants" --keys "$folder/keys.toml" --allow-egress "${OP#http://}"
