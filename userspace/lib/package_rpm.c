/* SPDX-License-Identifier: Apache-2.0 */
/*
 * RPM's database; the only file that includes librpm. The format of the database
 * differs between releases (Berkeley DB on Amazon Linux 2, SQLite on 2023): that is why
 * it is read through the library of the system it belongs to. Built without librpm
 * (RPM=0, as on Debian), RPM's packages are not known.
 *
 * The library is loaded when there is such a database and its packages are asked for: it
 * brings twenty others along, whose relocation takes every command milliseconds.
 */
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <syslog.h>
#include <unistd.h>

#include "lib_private.h"

#ifdef FIM_RPM
#include <rpm/rpmdb.h>
#include <rpm/rpmfi.h>
#include <rpm/rpmlib.h>
#include <rpm/rpmmacro.h>
#include <rpm/rpmpgp.h>
#include <rpm/rpmts.h>

#define EACH_FUNCTION(X)      \
	X(headerGetString)    \
	X(rpmPopMacro)        \
	X(rpmPushMacro)       \
	X(rpmReadConfigFiles) \
	X(rpmdbFreeIterator)  \
	X(rpmdbNextIterator)  \
	X(rpmfiFDigest)       \
	X(rpmfiFFlags)        \
	X(rpmfiFN)            \
	X(rpmfiFState)        \
	X(rpmfiFree)          \
	X(rpmfiNew)           \
	X(rpmfiNext)          \
	X(rpmtsCreate)        \
	X(rpmtsFree)          \
	X(rpmtsInitIterator)  \
	X(rpmtsSetVSFlags)
#define DECLARE(name) __typeof__(name) *name;
#define NAME(name)    #name,

static struct {
	EACH_FUNCTION(DECLARE)
} librpm;

/* False: logged. Stays loaded. */
static bool load_library(void)
{
	static const char *const names[] = {EACH_FUNCTION(NAME)};

	_Static_assert(sizeof(librpm) == sizeof(names), "a pointer for each name");
	if (!fim_library_load(FIM_RPM_SONAME, names, sizeof(names) / sizeof(names[0]),
			      (void **)&librpm))
		return true;
	fim_log(LOG_WARNING, "packages of RPM are not named");
	return false;
}

/* Where it is below the root; the first that exists. */
static const char *const places[] = {"/var/lib/rpm", "/usr/lib/sysimage/rpm"};

static bool find_place(const char *root, char path_ret[FIM_PATH_MAX])
{
	static const char *const files[] = {"rpmdb.sqlite", "Packages", "Packages.db"};
	char file[FIM_PATH_MAX + 16], whole[PATH_MAX];
	size_t i, j;

	/* librpm takes a relative one for a place below another. */
	if (!realpath(root, whole))
		return false;
	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		for (j = 0; j < sizeof(files) / sizeof(files[0]); j++) {
			snprintf(path_ret, FIM_PATH_MAX, "%s%s", strcmp(whole, "/") ? whole : "",
				 places[i]);
			snprintf(file, sizeof(file), "%s/%s", path_ret, files[j]);
			if (!access(file, F_OK))
				return true;
		}
	return false;
}

/* False: none that can be compared, or the content is not the package's to say. */
static bool digest_of(rpmfi fi, struct fim_package_digest *digest_ret)
{
	const unsigned char *bytes;
	size_t len = 0;
	int algorithm = 0;

	if (librpm.rpmfiFFlags(fi) & RPMFILE_GHOST ||
	    librpm.rpmfiFState(fi) != RPMFILE_STATE_NORMAL)
		return false;
	bytes = librpm.rpmfiFDigest(fi, &algorithm, &len);
	if (!bytes)
		return false;
	if (algorithm == PGPHASHALGO_SHA256 && len == FIM_SHA256_SIZE)
		digest_ret->kind = FIM_PACKAGE_DIGEST_SHA256;
	else if (algorithm == PGPHASHALGO_MD5 && len == FIM_MD5_SIZE)
		digest_ret->kind = FIM_PACKAGE_DIGEST_MD5;
	else
		return false;
	memcpy(digest_ret->bytes, bytes, len);
	return true;
}

static int add_version(struct fim_packages *packages, Header header, const char *name)
{
	const char *version = librpm.headerGetString(header, RPMTAG_VERSION);
	const char *release = librpm.headerGetString(header, RPMTAG_RELEASE);
	char *text;
	int err;

	if (!version || !release)
		return 0;
	if (asprintf(&text, "%s-%s", version, release) < 0)
		return -ENOMEM;
	err = fim_packages_version(packages, name, text);
	free(text);
	return err;
}

static int add_header(struct fim_packages *packages, rpmts ts, Header header)
{
	const char *name = librpm.headerGetString(header, RPMTAG_NAME);
	struct fim_package_digest digest;
	uint32_t package;
	rpmfi fi;
	int err;

	if (!name)
		return 0;
	err = fim_packages_name(packages, name, strlen(name), &package);
	if (!err)
		err = add_version(packages, header, name);
	if (err)
		return err;
	fi = librpm.rpmfiNew(ts, header, RPMTAG_BASENAMES, 0);
	if (!fi)
		return 0;
	while (!err && librpm.rpmfiNext(fi) >= 0) {
		memset(&digest, 0, sizeof(digest));
		err = fim_packages_add(packages, librpm.rpmfiFN(fi), package,
				       digest_of(fi, &digest) ? &digest : NULL);
	}
	librpm.rpmfiFree(fi);
	return err;
}

int fim_rpm_load(const char *root, struct fim_packages *packages)
{
	char place[FIM_PATH_MAX];
	rpmdbMatchIterator matches;
	Header header;
	rpmts ts;
	int err = 0;

	if (!find_place(root, place))
		return 0; /* not a system that RPM manages */
	if (!load_library())
		return 0;
	if (librpm.rpmReadConfigFiles(NULL, NULL)) {
		fim_log(LOG_WARNING, "%s: librpm has no configuration: packages are not named",
			place);
		return 0;
	}
	librpm.rpmPushMacro(NULL, "_dbpath", NULL, place, RMIL_CMDLINE);
	ts = librpm.rpmtsCreate();
	/* Signatures of packages are not our business, and need keys of the system below. */
	librpm.rpmtsSetVSFlags(ts, _RPMVSF_NODIGESTS | _RPMVSF_NOSIGNATURES);
	matches = librpm.rpmtsInitIterator(ts, RPMDBI_PACKAGES, NULL, 0);
	if (!matches)
		fim_log(LOG_WARNING, "%s: librpm cannot read it: packages are not named", place);
	while (!err && (header = librpm.rpmdbNextIterator(matches)))
		err = add_header(packages, ts, header);
	librpm.rpmdbFreeIterator(matches);
	librpm.rpmtsFree(ts);
	librpm.rpmPopMacro(NULL, "_dbpath");
	return err;
}
#else
int fim_rpm_load(const char *root, struct fim_packages *packages)
{
	(void)root;
	(void)packages;
	return 0;
}
#endif
