/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Makes more changes than anybody should, each of which says itself who made it.
 *
 *	storm reuse DIR FIRST COUNT FILES	COUNT processes, two programs in turn (the
 *		links storm-a and storm-b beside this one), which make FILES files each:
 *		DIR/SERIAL.PID.PROGRAM.I
 *	storm load DIR RATE SECONDS	500 new files DIR/target-N at once; when that is
 *		over, RATE changes of their time stamps a second, and a new file DIR/probe-N
 *		every 20 ms
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define TARGETS	 500
#define PROBE_NS 20000000
#define PAUSE_S	 3 /* after the targets were made */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void touch(const char *path)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0)
		die(path);
	close(fd);
}

/* storm-X child SERIAL DIR FILES */
static int child(char **argv)
{
	const char *program = strrchr(argv[0], '-') + 1;
	char path[256];

	for (int i = 0; i < atoi(argv[4]); i++) {
		snprintf(path, sizeof(path), "%s/%s.%d.%s.%d", argv[3], argv[2], getpid(), program,
			 i);
		touch(path);
	}
	return 0;
}

static int reuse(const char *self, char **argv)
{
	int first = atoi(argv[3]), count = atoi(argv[4]);

	for (int i = first; i < first + count; i++) {
		char program[256], serial[32];
		pid_t pid;

		snprintf(program, sizeof(program), "%s-%c", self, i & 1 ? 'b' : 'a');
		snprintf(serial, sizeof(serial), "%d", i);
		pid = fork();
		if (pid < 0)
			die("fork");
		if (!pid) {
			execl(program, program, "child", serial, argv[2], argv[5], NULL);
			_exit(127);
		}
		/* At most a few at once: it is the numbers that must run out, not the machine. */
		if (i % 4 == 3)
			while (wait(NULL) > 0)
				;
	}
	while (wait(NULL) > 0)
		;
	return 0;
}

static long long now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000LL + now.tv_nsec;
}

static int load(char **argv)
{
	int rate = atoi(argv[3]), seconds = atoi(argv[4]), probes = 0;
	long long start, step = 1000000000LL / rate, probe;
	char path[256];

	for (int i = 0; i < TARGETS; i++) {
		snprintf(path, sizeof(path), "%s/target-%d", argv[2], i);
		touch(path);
	}
	sleep(PAUSE_S);
	start = probe = now_ns();
	for (long long i = 0; i < (long long)rate * seconds; i++) {
		long long early = start + i * step - now_ns();

		/* In small bursts: a sleep costs more than a change. */
		if (early > 1000000) {
			struct timespec wait = {0, early % 1000000000};

			nanosleep(&wait, NULL);
		}
		snprintf(path, sizeof(path), "%s/target-%lld", argv[2], i % TARGETS);
		if (utimensat(AT_FDCWD, path, NULL, 0))
			die(path);
		if (now_ns() - probe >= PROBE_NS) {
			probe = now_ns();
			snprintf(path, sizeof(path), "%s/probe-%d", argv[2], probes++);
			touch(path);
		}
	}
	printf("%lld changes in %lld ms, %d probes\n", (long long)rate * seconds,
	       (now_ns() - start) / 1000000, probes);
	return 0;
}

int main(int argc, char **argv)
{
	if (argc == 5 && strcmp(argv[1], "child") == 0)
		return child(argv);
	if (argc == 6 && strcmp(argv[1], "reuse") == 0)
		return reuse(argv[0], argv);
	if (argc == 5 && strcmp(argv[1], "load") == 0)
		return load(argv);
	fputs("usage: storm reuse DIR FIRST COUNT FILES | storm load DIR RATE SECONDS\n", stderr);
	return 2;
}
