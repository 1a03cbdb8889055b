#!/usr/bin/env bash
# Signs an event file as Stripe does and posts it:  post.sh FILE WHSEC [URL]
# Stripe-Signature: t=<now>,v1=<hex HMAC-SHA256 over "<t>.<raw body>", keyed with the whole whsec_ text>
set -euo pipefail
[ $# -ge 2 ] || { echo "usage: $0 FILE WHSEC [URL]" >&2; exit 64; }
file=$1 secret=$2 url=${3:-http://127.0.0.1:8787/hooks/stripe}
stamp=$(date +%s)
signature=$({ printf '%s.' "$stamp"; cat "$file"; } | openssl dgst -sha256 -hmac "$secret" -r | cut -d' ' -f1)
curl --silent --show-error --include --data-binary "@$file" \
  --header 'Content-Type: application/json' --header "Stripe-Signature: t=$stamp,v1=$signature" "$url"
