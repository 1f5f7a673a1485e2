# SPDX-License-Identifier: Apache-2.0
# shellcheck shell=bash
# Signing where the key is: here, or elsewhere with digest and attach.
make_system
make_ec_key ec
make_key p384 -algorithm EC -pkeyopt ec_paramgen_curve:P-384
make_key rsa -algorithm RSA -pkeyopt rsa_keygen_bits:2048
make_key ed -algorithm ED25519
make_ec_key other
take
sum=$(sha256sum <base.ndjson | cut -d' ' -f1)
is "the digest is that of sha256sum" "$($fim baseline digest base.ndjson)" "$sum"
is "so is the JSON's" "$($fim baseline digest --json base.ndjson | jq -r '.digest, .format' | tr '\n' ' ')" \
	"$sum ecs-fim-baseline "
$fim baseline digest --binary -o digest.bin base.ndjson
is "and the binary one" "$(od -An -v -tx1 digest.bin | tr -d ' \n')" "$sum"
for key in ec p384 rsa ed; do
	check "a $key key signs" $fim baseline sign --key $key.pem base.ndjson
	check "and its signature is valid" $fim baseline verify-signature --key $key.pub base.ndjson
	fails "but not by another key" 1 'is not valid' $fim baseline verify-signature --key other.pub base.ndjson
done
check "openssl accepts the Ed25519 signature" openssl pkeyutl -verify -pubin -inkey ed.pub -rawin \
	-in base.ndjson -sigfile base.sig
rm base.sig
for key in ec p384; do
	openssl pkeyutl -sign -inkey $key.pem -in digest.bin -out signature.bin
	check "what openssl signed with $key is attached" $fim baseline attach --signature signature.bin \
		--key $key.pub base.ndjson
	check "and openssl accepts it" openssl dgst -sha256 -verify $key.pub -signature base.sig base.ndjson
	base64 signature.bin >signature.b64
	check "the same in base64" $fim baseline attach --signature signature.b64 --key $key.pub base.ndjson
done
openssl pkeyutl -sign -inkey rsa.pem -in digest.bin -out signature.bin -pkeyopt digest:sha256 \
	-pkeyopt rsa_padding_mode:pss -pkeyopt rsa_pss_saltlen:digest
check "RSA-PSS" $fim baseline attach --signature signature.bin --key rsa.pub base.ndjson
openssl pkeyutl -sign -inkey other.pem -in digest.bin -out wrong.bin
before=$(sha256sum base.sig)
fails "a signature by another key is not attached" 1 'is not valid' \
	$fim baseline attach --signature wrong.bin --key rsa.pub base.ndjson
is "and the one that was there stays" "$(sha256sum base.sig)" "$before"
is "nothing else is left" "$(echo base.*)" "base.ndjson base.sig"
head -c 400 base.ndjson >cut.ndjson
fails "half a baseline has no digest" 1 'not complete' $fim baseline digest cut.ndjson
fails "and none is signed" 1 'not complete' $fim baseline sign --key ec.pem cut.ndjson
fails "attach wants a key" 2 '--key is missing' $fim baseline attach --signature wrong.bin base.ndjson
fails "and a signature" 2 '--signature is missing' $fim baseline attach --key ec.pub base.ndjson

# A certificate authority vouches for the signer.
openssl req -x509 -key other.pem -subj /CN=ca -days 2 -out ca.pem 2>/dev/null
openssl req -new -key ec.pem -subj /CN=signer -out signer.csr 2>/dev/null
openssl x509 -req -in signer.csr -CA ca.pem -CAkey other.pem -CAcreateserial -days 1 -out signer.pem 2>/dev/null
openssl pkeyutl -sign -inkey ec.pem -in digest.bin -out signature.bin
check "a chain is attached with the signature" $fim baseline attach --signature signature.bin --chain signer.pem \
	--key ca.pem base.ndjson
check "and checked against the authority" $fim baseline verify-signature --key ca.pem base.ndjson
rm base.sig.chain.pem
fails "without the chain the authority did not sign" 1 'is not valid' \
	$fim baseline verify-signature --key ca.pem base.ndjson
$fim baseline create --quiet --root root --policy policy.yaml -o old.ndjson --expires 2020-01-01
$fim baseline sign --key ec.pem old.ndjson >/dev/null
fails "an expired baseline is refused" 1 'expired at 2020-01-01' $fim verify --root root --baseline old.ndjson --key ec.pub
fails "--expires wants a time" 2 'not a time' $fim baseline create --root root --policy policy.yaml -o x --expires soon
