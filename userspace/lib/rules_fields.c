/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Owns what the language knows by name: fields with their types, event types, event
 * arguments.  The names and types are those of the Falco engine 0.63 and of its
 * CloudTrail and JSON plugins; which of them we fill is marked here, too.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "rules_private.h"

#define SYS  (1u << FIM_SOURCE_SYSCALL)
#define CT   (1u << FIM_SOURCE_CLOUDTRAIL)
#define BOTH (SYS | CT)

#define ARG_ALLOWED  FIM_FIELD_ARG_ALLOWED
#define ARG_REQUIRED FIM_FIELD_ARG_REQUIRED
#define ARG_INDEX    FIM_FIELD_ARG_INDEX
#define ARG_DOT	     FIM_FIELD_ARG_DOT
#define LIST	     FIM_FIELD_LIST
#define ANY	     FIM_FIELD_ANY
#define PAIR	     FIM_FIELD_PAIR
#define NO_RHS	     FIM_FIELD_NO_RHS
#define NO_TRANSFORM FIM_FIELD_NO_TRANSFORM
#define FILTER_ONLY  FIM_FIELD_FILTER_ONLY
#define FILES	     FIM_FIELD_FILE
#define START	     FIM_FIELD_START
#define CLOUDTRAIL   FIM_FIELD_CLOUDTRAIL
#define NONE	     0

/* Sorted by name. */
/* clang-format off */
const struct fim_field fim_fields[] = {
	{ "container.cni.json", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.duration", FIM_VT_RELTIME, SYS, NONE },
	{ "container.full_id", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.healthcheck", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.host_ipc", FIM_VT_BOOL, SYS, START },
	{ "container.host_network", FIM_VT_BOOL, SYS, START },
	{ "container.host_pid", FIM_VT_BOOL, SYS, START },
	{ "container.id", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.image", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.image.digest", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.image.id", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.image.repository", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.image.tag", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.ip", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.k8s.ns.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.k8s.pod.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.k8s.pod.label", FIM_VT_CHARBUF, SYS, ARG_REQUIRED },
	{ "container.k8s.pod.labels", FIM_VT_CHARBUF, SYS, LIST },
	{ "container.k8s.pod.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.label", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | FILES | START },
	{ "container.labels", FIM_VT_CHARBUF, SYS, START },
	{ "container.liveness_probe", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.mount", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mount.dest", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mount.mode", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mount.propagation", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mount.rdwr", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mount.source", FIM_VT_CHARBUF, SYS, ARG_REQUIRED | START },
	{ "container.mounts", FIM_VT_CHARBUF, SYS, START },
	{ "container.name", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "container.privileged", FIM_VT_BOOL, SYS, FILES | START },
	{ "container.readiness_probe", FIM_VT_CHARBUF, SYS, NONE },
	{ "container.start_ts", FIM_VT_ABSTIME, SYS, START },
	{ "container.type", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "ct.addendum.originaleventid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.addendum.originalrequestid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.addendum.reason", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.addendum.updatedfields", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.additionaleventdata", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.apiversion", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.edgedevicedetails", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.error", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.errormessage", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.eventcategory", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.eventtype", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.id", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.info", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.managementevent", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.name", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.originaluser", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.readonly", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.recipientaccountid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.region", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.availabilityzone", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.cluster", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.documentname", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.functionname", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.groupname", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.host", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.name", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.policy", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.reason", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.serialnumber", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.servicename", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.subnetid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.target", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.taskdefinition", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.request.username", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.requestid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.resources", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.response", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.response.reservationid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.response.subnetid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.serviceeventdetails", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.sessioncredentialfromconsole", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.sharedeventid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.shortsrc", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.src", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.srcip", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.time", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.tlsdetails.ciphersuite", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.tlsdetails.clientprovidedhostheader", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.tlsdetails.tlsversion", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.user", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.user.accountid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.user.arn", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.user.identitytype", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.user.principalid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.useragent", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ct.vpcendpointid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ec2.imageid", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ec2.imageids", FIM_VT_CHARBUF, CT, LIST | CLOUDTRAIL },
	{ "ec2.name", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ecr.image.tag", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ecr.imagetag", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "ecr.repository", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "evt.abspath", FIM_VT_CHARBUF, SYS, FILES },
	{ "evt.abspath.dst", FIM_VT_CHARBUF, SYS, FILES },
	{ "evt.abspath.src", FIM_VT_CHARBUF, SYS, FILES },
	{ "evt.arg", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED | ARG_INDEX | FILES },
	{ "evt.args", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.around", FIM_VT_UINT64, SYS, ARG_REQUIRED | ARG_INDEX | NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "evt.asynctype", FIM_VT_CHARBUF, BOTH, NONE },
	{ "evt.buffer", FIM_VT_BYTEBUF, SYS, NONE },
	{ "evt.buflen", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.file", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.file.in", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.file.out", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.in", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.net", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.net.in", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.net.out", FIM_VT_UINT64, SYS, NONE },
	{ "evt.buflen.out", FIM_VT_UINT64, SYS, NONE },
	{ "evt.category", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.count", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.error", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.error.file", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.error.memory", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.error.net", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.error.other", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.exit", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.procinfo", FIM_VT_UINT32, SYS, NONE },
	{ "evt.count.threadinfo", FIM_VT_UINT32, SYS, NONE },
	{ "evt.cpu", FIM_VT_INT16, SYS, NONE },
	{ "evt.datetime", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.datetime.s", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.deltatime", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.deltatime.ns", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.deltatime.s", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.dir", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "evt.failed", FIM_VT_BOOL, SYS, FILES | START },
	{ "evt.hostname", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.info", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.infra.docker.container.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.infra.docker.container.image", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.infra.docker.container.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.infra.docker.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.io_dir", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.is_async", FIM_VT_BOOL, BOTH, NONE },
	{ "evt.is_io", FIM_VT_BOOL, SYS, NONE },
	{ "evt.is_io_read", FIM_VT_BOOL, SYS, NONE },
	{ "evt.is_io_write", FIM_VT_BOOL, SYS, NONE },
	{ "evt.is_open_create", FIM_VT_BOOL, SYS, FILES },
	{ "evt.is_open_exec", FIM_VT_BOOL, SYS, FILES },
	{ "evt.is_open_read", FIM_VT_BOOL, SYS, FILES },
	{ "evt.is_open_write", FIM_VT_BOOL, SYS, FILES },
	{ "evt.is_syslog", FIM_VT_BOOL, SYS, NONE },
	{ "evt.is_wait", FIM_VT_BOOL, SYS, NONE },
	{ "evt.latency", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.latency.human", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.latency.ns", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.latency.quantized", FIM_VT_UINT64, SYS, NONE },
	{ "evt.latency.s", FIM_VT_RELTIME, SYS, NONE },
	{ "evt.num", FIM_VT_UINT64, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.outputtime", FIM_VT_CHARBUF, SYS, NONE },
	{ "evt.plugininfo", FIM_VT_CHARBUF, BOTH, CLOUDTRAIL },
	{ "evt.pluginname", FIM_VT_CHARBUF, BOTH, CLOUDTRAIL },
	{ "evt.rawarg", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED | NO_RHS | NO_TRANSFORM },
	{ "evt.rawres", FIM_VT_INT64, SYS, FILES | START },
	{ "evt.rawtime", FIM_VT_ABSTIME, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.rawtime.ns", FIM_VT_ABSTIME, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.rawtime.s", FIM_VT_ABSTIME, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.reltime", FIM_VT_RELTIME, BOTH, NONE },
	{ "evt.reltime.ns", FIM_VT_RELTIME, BOTH, NONE },
	{ "evt.reltime.s", FIM_VT_RELTIME, BOTH, NONE },
	{ "evt.res", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "evt.source", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.time", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.time.iso8601", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.time.s", FIM_VT_CHARBUF, BOTH, FILES | START | CLOUDTRAIL },
	{ "evt.type", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "evt.type.is", FIM_VT_UINT32, SYS, ARG_DOT | ARG_REQUIRED },
	{ "evt.wait_latency", FIM_VT_RELTIME, SYS, NONE },
	{ "fd.cip", FIM_VT_IPADDR, SYS, NONE },
	{ "fd.cip.name", FIM_VT_CHARBUF, SYS, NO_RHS | NO_TRANSFORM },
	{ "fd.cnet", FIM_VT_IPNET, SYS, NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.connected", FIM_VT_BOOL, SYS, NONE },
	{ "fd.containerdirectory", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.containername", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.cport", FIM_VT_PORT, SYS, NONE },
	{ "fd.cproto", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.dev", FIM_VT_INT32, SYS, NONE },
	{ "fd.dev.major", FIM_VT_INT32, SYS, NONE },
	{ "fd.dev.minor", FIM_VT_INT32, SYS, NONE },
	{ "fd.directory", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.filename", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.ino", FIM_VT_INT64, SYS, NONE },
	{ "fd.ip", FIM_VT_IPADDR, SYS, PAIR | NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.is_lower_layer", FIM_VT_BOOL, SYS, NONE },
	{ "fd.is_server", FIM_VT_BOOL, SYS, NONE },
	{ "fd.is_upper_layer", FIM_VT_BOOL, SYS, NONE },
	{ "fd.l4proto", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.lip", FIM_VT_IPADDR, SYS, NONE },
	{ "fd.lip.name", FIM_VT_CHARBUF, SYS, NO_RHS | NO_TRANSFORM },
	{ "fd.lnet", FIM_VT_IPNET, SYS, NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.lport", FIM_VT_PORT, SYS, NONE },
	{ "fd.lproto", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.name", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.name_changed", FIM_VT_BOOL, SYS, NONE },
	{ "fd.nameraw", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.net", FIM_VT_IPNET, SYS, PAIR | NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.num", FIM_VT_INT64, SYS, FILES },
	{ "fd.port", FIM_VT_PORT, SYS, PAIR | NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.proto", FIM_VT_PORT, SYS, PAIR | NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.rip", FIM_VT_IPADDR, SYS, NONE },
	{ "fd.rip.name", FIM_VT_CHARBUF, SYS, NO_RHS | NO_TRANSFORM },
	{ "fd.rnet", FIM_VT_IPNET, SYS, NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.rport", FIM_VT_PORT, SYS, NONE },
	{ "fd.rproto", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.sip", FIM_VT_IPADDR, SYS, NONE },
	{ "fd.sip.name", FIM_VT_CHARBUF, SYS, NO_RHS | NO_TRANSFORM },
	{ "fd.snet", FIM_VT_IPNET, SYS, NO_RHS | NO_TRANSFORM | FILTER_ONLY },
	{ "fd.sockfamily", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.sport", FIM_VT_PORT, SYS, NONE },
	{ "fd.sproto", FIM_VT_CHARBUF, SYS, NONE },
	{ "fd.type", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.typechar", FIM_VT_CHARBUF, SYS, FILES },
	{ "fd.types", FIM_VT_CHARBUF, SYS, LIST | ARG_ALLOWED | ARG_INDEX },
	{ "fd.uid", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.cips", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.cports", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.names", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.nums", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.sips", FIM_VT_CHARBUF, SYS, NONE },
	{ "fdlist.sports", FIM_VT_CHARBUF, SYS, NONE },
	{ "fs.path.name", FIM_VT_CHARBUF, SYS, FILES },
	{ "fs.path.nameraw", FIM_VT_CHARBUF, SYS, FILES },
	{ "fs.path.source", FIM_VT_CHARBUF, SYS, FILES },
	{ "fs.path.sourceraw", FIM_VT_CHARBUF, SYS, FILES },
	{ "fs.path.target", FIM_VT_CHARBUF, SYS, FILES },
	{ "fs.path.targetraw", FIM_VT_CHARBUF, SYS, FILES },
	{ "group.gid", FIM_VT_UINT32, SYS, FILES | START },
	{ "group.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "iam.policy", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "iam.role", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "jevt.obj", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "jevt.rawtime", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "jevt.value", FIM_VT_CHARBUF, CT, ARG_REQUIRED | CLOUDTRAIL },
	{ "json.obj", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "json.rawtime", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "json.value", FIM_VT_CHARBUF, CT, ARG_REQUIRED | CLOUDTRAIL },
	{ "k8s.deployment.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.deployment.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.deployment.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.deployment.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.ns.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.ns.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.ns.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.ns.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.cni.json", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.full_sandbox_id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.ip", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.pod.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.sandbox_id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.pod.uid", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rc.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rc.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.rc.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rc.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rs.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rs.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.rs.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.rs.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.svc.id", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.svc.label", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "k8s.svc.labels", FIM_VT_CHARBUF, SYS, NONE },
	{ "k8s.svc.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.acmdline", FIM_VT_CHARBUF, SYS, ARG_ALLOWED | ARG_INDEX | ANY | NO_RHS | NO_TRANSFORM },
	{ "proc.aenv", FIM_VT_CHARBUF, SYS, ARG_ALLOWED | ANY | NO_RHS | NO_TRANSFORM },
	{ "proc.aexe", FIM_VT_CHARBUF, SYS, ARG_ALLOWED | ARG_INDEX | ANY | NO_RHS | NO_TRANSFORM },
	{ "proc.aexepath", FIM_VT_CHARBUF, SYS, ARG_ALLOWED | ARG_INDEX | ANY | NO_RHS | NO_TRANSFORM },
	{ "proc.aname", FIM_VT_CHARBUF, SYS, ARG_ALLOWED | ARG_INDEX | ANY | NO_RHS | NO_TRANSFORM | FILES },
	{ "proc.apid", FIM_VT_INT64, SYS, ARG_ALLOWED | ARG_INDEX | ANY | NO_RHS | NO_TRANSFORM },
	{ "proc.args", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.cmdlenargs", FIM_VT_UINT64, SYS, FILES | START },
	{ "proc.cmdline", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.cmdnargs", FIM_VT_UINT64, SYS, FILES | START },
	{ "proc.cwd", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.duration", FIM_VT_RELTIME, SYS, NONE },
	{ "proc.env", FIM_VT_CHARBUF, SYS, ARG_ALLOWED },
	{ "proc.exe", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.exe_ino", FIM_VT_INT64, SYS, NONE },
	{ "proc.exe_ino.ctime", FIM_VT_ABSTIME, SYS, NONE },
	{ "proc.exe_ino.ctime_duration_pidns_start", FIM_VT_ABSTIME, SYS, NONE },
	{ "proc.exe_ino.ctime_duration_proc_start", FIM_VT_ABSTIME, SYS, NONE },
	{ "proc.exe_ino.mtime", FIM_VT_ABSTIME, SYS, NONE },
	{ "proc.exeline", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.exepath", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.fdlimit", FIM_VT_INT64, SYS, NONE },
	{ "proc.fdopencount", FIM_VT_UINT64, SYS, NONE },
	{ "proc.fdusage", FIM_VT_DOUBLE, SYS, NONE },
	{ "proc.is_container_healthcheck", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_container_liveness_probe", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_container_readiness_probe", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_exe_from_memfd", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_exe_lower_layer", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_exe_upper_layer", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_exe_writable", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_pgid_leader", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_sid_leader", FIM_VT_BOOL, SYS, NONE },
	{ "proc.is_vpgid_leader", FIM_VT_BOOL, SYS, NONE },
	{ "proc.loginshellid", FIM_VT_INT64, SYS, NONE },
	{ "proc.name", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.nchilds", FIM_VT_UINT64, SYS, NONE },
	{ "proc.nthreads", FIM_VT_UINT64, SYS, NONE },
	{ "proc.pcmdline", FIM_VT_CHARBUF, SYS, FILES },
	{ "proc.pexe", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.pexepath", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.pgid", FIM_VT_INT64, SYS, NONE },
	{ "proc.pgid.exe", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.pgid.exepath", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.pgid.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.pid", FIM_VT_INT64, SYS, FILES | START },
	{ "proc.pid.ts", FIM_VT_RELTIME, SYS, NONE },
	{ "proc.pidns_init_start_ts", FIM_VT_UINT64, SYS, NONE },
	{ "proc.pname", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "proc.ppid", FIM_VT_INT64, SYS, FILES | START },
	{ "proc.ppid.duration", FIM_VT_RELTIME, SYS, NONE },
	{ "proc.ppid.ts", FIM_VT_RELTIME, SYS, NONE },
	{ "proc.pvpid", FIM_VT_INT64, SYS, NONE },
	{ "proc.sid", FIM_VT_INT64, SYS, NONE },
	{ "proc.sid.exe", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.sid.exepath", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.sname", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stderr.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stderr.type", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stdin.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stdin.type", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stdout.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.stdout.type", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.tty", FIM_VT_UINT32, SYS, NONE },
	{ "proc.vmrss", FIM_VT_UINT64, SYS, NONE },
	{ "proc.vmsize", FIM_VT_UINT64, SYS, NONE },
	{ "proc.vmswap", FIM_VT_UINT64, SYS, NONE },
	{ "proc.vpgid", FIM_VT_INT64, SYS, NONE },
	{ "proc.vpgid.exe", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.vpgid.exepath", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.vpgid.name", FIM_VT_CHARBUF, SYS, NONE },
	{ "proc.vpid", FIM_VT_INT64, SYS, FILES | START },
	{ "s3.bucket", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "s3.bytes", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.bytes.in", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.bytes.out", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.cnt.get", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.cnt.other", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.cnt.put", FIM_VT_UINT64, CT, CLOUDTRAIL },
	{ "s3.key", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "s3.uri", FIM_VT_CHARBUF, CT, CLOUDTRAIL },
	{ "syscall.type", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "syslog.facility", FIM_VT_UINT32, SYS, NONE },
	{ "syslog.facility.str", FIM_VT_CHARBUF, SYS, NONE },
	{ "syslog.message", FIM_VT_CHARBUF, SYS, NONE },
	{ "syslog.severity", FIM_VT_UINT32, SYS, NONE },
	{ "syslog.severity.str", FIM_VT_CHARBUF, SYS, NONE },
	{ "thread.cap_effective", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "thread.cap_inheritable", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "thread.cap_permitted", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "thread.cgroup", FIM_VT_CHARBUF, SYS, ARG_DOT | ARG_REQUIRED },
	{ "thread.cgroups", FIM_VT_CHARBUF, SYS, NONE },
	{ "thread.cpu", FIM_VT_DOUBLE, SYS, NONE },
	{ "thread.cpu.system", FIM_VT_DOUBLE, SYS, NONE },
	{ "thread.cpu.user", FIM_VT_DOUBLE, SYS, NONE },
	{ "thread.exectime", FIM_VT_RELTIME, SYS, NONE },
	{ "thread.ismain", FIM_VT_BOOL, SYS, NONE },
	{ "thread.nametid", FIM_VT_CHARBUF, SYS, NONE },
	{ "thread.pfmajor", FIM_VT_UINT64, SYS, NONE },
	{ "thread.pfminor", FIM_VT_UINT64, SYS, NONE },
	{ "thread.tid", FIM_VT_INT64, SYS, FILES | START },
	{ "thread.totexectime", FIM_VT_RELTIME, SYS, NONE },
	{ "thread.vmrss", FIM_VT_UINT64, SYS, NONE },
	{ "thread.vmrss.b", FIM_VT_UINT64, SYS, NONE },
	{ "thread.vmsize", FIM_VT_UINT64, SYS, NONE },
	{ "thread.vmsize.b", FIM_VT_UINT64, SYS, NONE },
	{ "thread.vtid", FIM_VT_INT64, SYS, NONE },
	{ "user.homedir", FIM_VT_CHARBUF, SYS, NONE },
	{ "user.loginname", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "user.loginuid", FIM_VT_INT64, SYS, FILES | START },
	{ "user.name", FIM_VT_CHARBUF, SYS, FILES | START },
	{ "user.shell", FIM_VT_CHARBUF, SYS, NONE },
	{ "user.uid", FIM_VT_UINT32, SYS, FILES | START },
	{ "util.cnt", FIM_VT_UINT64, SYS, NONE },
};

/* Names of system calls and of the engine's own events; sorted. */
static const char *const event_types[] = {
	"NA1", "NA10", "NA11", "NA12", "NA13", "NA14", "NA15", "NA16", "NA17", "NA18", "NA2",
	"NA3", "NA4", "NA5", "NA6", "NA7", "NA8", "NA9", "_llseek", "_newselect", "_sysctl",
	"accept", "accept4", "access", "acct", "add_key", "adjtimex", "alarm", "arch_prctl",
	"asyncevent", "bdflush", "bind", "bpf", "brk", "cachestat", "capget", "capset", "chdir",
	"chmod", "chown", "chown32", "chroot", "clock_adjtime", "clock_adjtime64",
	"clock_getres", "clock_getres_time64", "clock_gettime", "clock_gettime64",
	"clock_nanosleep", "clock_nanosleep_time64", "clock_settime", "clock_settime64", "clone",
	"clone3", "close", "close_range", "connect", "container", "copy_file_range",
	"cpu_hotplug", "creat", "create_module", "delete_module", "drop", "dup", "dup2", "dup3",
	"epoll_create", "epoll_create1", "epoll_ctl", "epoll_ctl_old", "epoll_pwait",
	"epoll_pwait2", "epoll_wait", "epoll_wait_old", "eventfd", "eventfd2", "execve",
	"execveat", "exit", "exit_group", "faccessat", "faccessat2", "fadvise64", "fadvise64_64",
	"fallocate", "fanotify_init", "fanotify_mark", "fchdir", "fchmod", "fchmodat",
	"fchmodat2", "fchown", "fchown32", "fchownat", "fcntl", "fcntl64", "fdatasync",
	"fgetxattr", "finit_module", "flistxattr", "flock", "fork", "fremovexattr", "fsconfig",
	"fsetxattr", "fsmount", "fsopen", "fspick", "fstat", "fstat64", "fstatat", "fstatat64",
	"fstatfs", "fstatfs64", "fsync", "ftruncate", "ftruncate64", "futex", "futex_requeue",
	"futex_time64", "futex_wait", "futex_waitv", "futex_wake", "futimesat",
	"get_kernel_syms", "get_mempolicy", "get_robust_list", "get_thread_area", "getcpu",
	"getcwd", "getdents", "getdents64", "getegid", "getegid32", "geteuid", "geteuid32",
	"getgid", "getgid32", "getgroups", "getgroups32", "getitimer", "getpeername", "getpgid",
	"getpgrp", "getpid", "getpmsg", "getppid", "getpriority", "getrandom", "getresgid",
	"getresgid32", "getresuid", "getresuid32", "getrlimit", "getrusage", "getsid",
	"getsockname", "getsockopt", "gettid", "gettimeofday", "getuid", "getuid32", "getxattr",
	"getxattrat", "groupadded", "groupdeleted", "idle", "infra", "init_module",
	"inotify_add_watch", "inotify_init", "inotify_init1", "inotify_rm_watch", "io_cancel",
	"io_destroy", "io_getevents", "io_pgetevents", "io_pgetevents_time64", "io_setup",
	"io_submit", "io_uring_enter", "io_uring_register", "io_uring_setup", "ioctl", "ioperm",
	"iopl", "ioprio_get", "ioprio_set", "ipc", "k8s", "kcmp", "kexec_file_load",
	"kexec_load", "keyctl", "kill", "landlock_add_rule", "landlock_create_ruleset",
	"landlock_restrict_self", "lchown", "lchown32", "lgetxattr", "link", "linkat", "listen",
	"listmount", "listxattr", "listxattrat", "llistxattr", "llseek", "lookup_dcookie",
	"lremovexattr", "lseek", "lsetxattr", "lsm_get_self_attr", "lsm_list_modules",
	"lsm_set_self_attr", "lstat", "lstat64", "madvise", "map_shadow_stack", "mbind",
	"membarrier", "memfd_create", "memfd_secret", "mesos", "migrate_pages", "mincore",
	"mkdir", "mkdirat", "mknod", "mknodat", "mlock", "mlock2", "mlockall", "mmap", "mmap2",
	"modify_ldt", "mount", "mount_setattr", "move_mount", "move_pages", "mprotect",
	"mq_getsetattr", "mq_notify", "mq_open", "mq_timedreceive", "mq_timedreceive_time64",
	"mq_timedsend", "mq_timedsend_time64", "mq_unlink", "mremap", "mseal", "msgctl",
	"msgget", "msgrcv", "msgsnd", "msync", "multiplexer", "munlock", "munlockall", "munmap",
	"name_to_handle_at", "nanosleep", "newfstatat", "nfsservctl", "nice", "notification",
	"oldfstat", "oldlstat", "oldolduname", "oldstat", "olduname", "open",
	"open_by_handle_at", "open_tree", "openat", "openat2", "page_fault", "pause",
	"pciconfig_iobase", "pciconfig_read", "pciconfig_write", "perf_event_open",
	"personality", "pidfd_getfd", "pidfd_open", "pidfd_send_signal", "pipe", "pipe2",
	"pivot_root", "pkey_alloc", "pkey_free", "pkey_mprotect", "pluginevent", "poll", "ppoll",
	"ppoll_time64", "prctl", "pread64", "preadv", "preadv2", "prlimit64", "process_madvise",
	"process_mrelease", "process_vm_readv", "process_vm_writev", "procexit", "procinfo",
	"profil", "pselect6", "pselect6_time64", "ptrace", "putpmsg", "pwrite64", "pwritev",
	"pwritev2", "query_module", "quotactl", "quotactl_fd", "read", "readahead", "readdir",
	"readlink", "readlinkat", "readv", "reboot", "recv", "recvfrom", "recvmmsg",
	"recvmmsg_time64", "recvmsg", "remap_file_pages", "removexattr", "removexattrat",
	"rename", "renameat", "renameat2", "request_key", "restart_syscall",
	"riscv_flush_icache", "riscv_hwprobe", "rmdir", "rseq", "rt_sigaction", "rt_sigpending",
	"rt_sigprocmask", "rt_sigqueueinfo", "rt_sigreturn", "rt_sigsuspend", "rt_sigtimedwait",
	"rt_sigtimedwait_time64", "rt_tgsigqueueinfo", "rtas", "s390_guarded_storage",
	"s390_pci_mmio_read", "s390_pci_mmio_write", "s390_runtime_instr", "s390_sthyi",
	"scapevent", "sched_get_priority_max", "sched_get_priority_min", "sched_getaffinity",
	"sched_getattr", "sched_getparam", "sched_getscheduler", "sched_rr_get_interval",
	"sched_rr_get_interval_time64", "sched_setaffinity", "sched_setattr", "sched_setparam",
	"sched_setscheduler", "sched_yield", "seccomp", "security", "select", "semctl", "semget",
	"semop", "semtimedop", "semtimedop_time64", "send", "sendfile", "sendfile64", "sendmmsg",
	"sendmsg", "sendto", "set_mempolicy", "set_mempolicy_home_node", "set_robust_list",
	"set_thread_area", "set_tid_address", "setdomainname", "setfsgid", "setfsgid32",
	"setfsuid", "setfsuid32", "setgid", "setgid32", "setgroups", "setgroups32",
	"sethostname", "setitimer", "setns", "setpgid", "setpriority", "setregid", "setregid32",
	"setresgid", "setresgid32", "setresuid", "setresuid32", "setreuid", "setreuid32",
	"setrlimit", "setsid", "setsockopt", "settimeofday", "setuid", "setuid32", "setxattr",
	"setxattrat", "sgetmask", "shmat", "shmctl", "shmdt", "shmget", "shutdown", "sigaction",
	"sigaltstack", "signal", "signaldeliver", "signalfd", "signalfd4", "sigpending",
	"sigprocmask", "sigreturn", "sigsuspend", "socket", "socketcall", "socketpair", "splice",
	"spu_create", "spu_run", "ssetmask", "stat", "stat64", "statfs", "statfs64", "statmount",
	"statx", "stime", "subpage_prot", "swapcontext", "swapoff", "swapon", "switch",
	"switch_endian", "symlink", "symlinkat", "sync", "sync_file_range", "sync_file_range2",
	"syncfs", "sys_debug_setcontext", "syscall", "sysdigevent", "sysfs", "sysinfo", "syslog",
	"tee", "tgkill", "time", "timer_create", "timer_delete", "timer_getoverrun",
	"timer_gettime", "timer_gettime64", "timer_settime", "timer_settime64", "timerfd",
	"timerfd_create", "timerfd_gettime", "timerfd_gettime64", "timerfd_settime",
	"timerfd_settime64", "times", "tkill", "tracer", "truncate", "truncate64", "tuxcall",
	"ugetrlimit", "umask", "umount", "umount2", "uname", "unknown", "unlink", "unlinkat",
	"unshare", "uretprobe", "uselib", "useradded", "userdeleted", "userfaultfd", "ustat",
	"utime", "utimensat", "utimensat_time64", "utimes", "vfork", "vhangup", "vm86",
	"vm86old", "vmsplice", "vserver", "wait4", "waitid", "waitpid", "write", "writev",
};

/* Operations on files become the first name of their family; rules list them all. */
static const char *const emitted_types[] = {
	"chmod", "chown", "container", "execve", "link", "mkdir", "mknod", "open", "rename",
	"rmdir", "setxattr", "symlink", "unlink", "utimensat",
};

/* Arguments of events, with the type that their raw form has; sorted. */
static const struct {
	const char *name;
	uint8_t type;
} event_args[] = {
	{ "ID", FIM_VT_SYSCALLID },
	{ "ID64", FIM_VT_UINT64 },
	{ "action", FIM_VT_CHARBUF },
	{ "addr", FIM_VT_SOCKADDR },
	{ "addr2", FIM_VT_UINT64 },
	{ "advice", FIM_VT_CHARBUF },
	{ "arg", FIM_VT_CHARBUF },
	{ "arg2_int", FIM_VT_CHARBUF },
	{ "arg2_str", FIM_VT_CHARBUF },
	{ "args", FIM_VT_BYTEBUF },
	{ "argument", FIM_VT_UINT64 },
	{ "attr_name", FIM_VT_CHARBUF },
	{ "backlog", FIM_VT_UINT32 },
	{ "buf", FIM_VT_CHARBUF },
	{ "cap_effective", FIM_VT_UINT64 },
	{ "cap_inheritable", FIM_VT_UINT64 },
	{ "cap_permitted", FIM_VT_UINT64 },
	{ "cgroups", FIM_VT_BYTEBUF },
	{ "clockid", FIM_VT_CHARBUF },
	{ "clone_flags", FIM_VT_FLAGS32 },
	{ "cmd", FIM_VT_FLAGS16 },
	{ "cmd_flags", FIM_VT_FLAGS32 },
	{ "cmdline", FIM_VT_CHARBUF },
	{ "comm", FIM_VT_CHARBUF },
	{ "container_id", FIM_VT_CHARBUF },
	{ "container_type", FIM_VT_CHARBUF },
	{ "core", FIM_VT_UINT8 },
	{ "core_pattern", FIM_VT_UINT32 },
	{ "cpu", FIM_VT_CHARBUF },
	{ "cq_entries", FIM_VT_UINT32 },
	{ "cur", FIM_VT_UINT64 },
	{ "cwd", FIM_VT_CHARBUF },
	{ "data", FIM_VT_BYTEBUF },
	{ "data_size", FIM_VT_UINT64 },
	{ "description", FIM_VT_CHARBUF },
	{ "dev", FIM_VT_UINT32 },
	{ "dir", FIM_VT_FSPATH },
	{ "dirfd", FIM_VT_FD },
	{ "domain", FIM_VT_FLAGS32 },
	{ "dqb_bhardlimit", FIM_VT_CHARBUF },
	{ "dqb_bsoftlimit", FIM_VT_CHARBUF },
	{ "dqb_btime", FIM_VT_CHARBUF },
	{ "dqb_curspace", FIM_VT_CHARBUF },
	{ "dqb_ihardlimit", FIM_VT_CHARBUF },
	{ "dqb_isoftlimit", FIM_VT_CHARBUF },
	{ "dqb_itime", FIM_VT_CHARBUF },
	{ "dqi_bgrace", FIM_VT_CHARBUF },
	{ "dqi_flags", FIM_VT_CHARBUF },
	{ "dqi_igrace", FIM_VT_CHARBUF },
	{ "egid", FIM_VT_UINT32 },
	{ "entries", FIM_VT_UINT32 },
	{ "env", FIM_VT_BYTEBUF },
	{ "error", FIM_VT_ERRNO },
	{ "euid", FIM_VT_UINT32 },
	{ "euname", FIM_VT_CHARBUF },
	{ "event_data", FIM_VT_BYTEBUF },
	{ "event_name", FIM_VT_CHARBUF },
	{ "event_type", FIM_VT_CHARBUF },
	{ "exe", FIM_VT_CHARBUF },
	{ "exe_ino", FIM_VT_UINT64 },
	{ "exe_ino_ctime", FIM_VT_ABSTIME },
	{ "exe_ino_mtime", FIM_VT_ABSTIME },
	{ "fd", FIM_VT_FD },
	{ "fd1", FIM_VT_FD },
	{ "fd2", FIM_VT_FD },
	{ "fd_in", FIM_VT_FD },
	{ "fd_out", FIM_VT_FD },
	{ "fdlimit", FIM_VT_UINT64 },
	{ "fds", FIM_VT_FDLIST },
	{ "features", FIM_VT_CHARBUF },
	{ "file_name", FIM_VT_CHARBUF },
	{ "filename", FIM_VT_FSPATH },
	{ "flags", FIM_VT_FLAGS32 },
	{ "gid", FIM_VT_UINT32 },
	{ "group", FIM_VT_CHARBUF },
	{ "handle", FIM_VT_CHARBUF },
	{ "homedir", FIM_VT_CHARBUF },
	{ "how", FIM_VT_FLAGS8 },
	{ "id", FIM_VT_CHARBUF },
	{ "image_id", FIM_VT_CHARBUF },
	{ "in_fd", FIM_VT_FD },
	{ "initval", FIM_VT_UINT64 },
	{ "initval_flags", FIM_VT_UINT32 },
	{ "ino", FIM_VT_UINT64 },
	{ "ino_dst", FIM_VT_UINT64 },
	{ "ino_src", FIM_VT_UINT64 },
	{ "interface", FIM_VT_CHARBUF },
	{ "interval", FIM_VT_UINT64 },
	{ "ip", FIM_VT_CHARBUF },
	{ "json", FIM_VT_BYTEBUF },
	{ "key", FIM_VT_CHARBUF },
	{ "length", FIM_VT_UINT64 },
	{ "length32", FIM_VT_UINT32 },
	{ "level", FIM_VT_FLAGS8 },
	{ "linkdirfd", FIM_VT_FD },
	{ "linkname", FIM_VT_CHARBUF },
	{ "linkpath", FIM_VT_FSPATH },
	{ "loginuid", FIM_VT_UINT32 },
	{ "max", FIM_VT_UINT64 },
	{ "maxevents", FIM_VT_ERRNO },
	{ "message", FIM_VT_CHARBUF },
	{ "min_complete", FIM_VT_UINT32 },
	{ "mode", FIM_VT_UINT32 },
	{ "mount_id", FIM_VT_CHARBUF },
	{ "mountfd", FIM_VT_FD },
	{ "name", FIM_VT_FSPATH },
	{ "nativeID", FIM_VT_UINT16 },
	{ "nativeid", FIM_VT_UINT16 },
	{ "new_exe", FIM_VT_CHARBUF },
	{ "newcur", FIM_VT_UINT64 },
	{ "newdir", FIM_VT_FD },
	{ "newdirfd", FIM_VT_FD },
	{ "newfd", FIM_VT_FD },
	{ "newmax", FIM_VT_UINT64 },
	{ "newpath", FIM_VT_FSPATH },
	{ "next", FIM_VT_PID },
	{ "nr_args", FIM_VT_UINT32 },
	{ "nstype", FIM_VT_CHARBUF },
	{ "offset", FIM_VT_UINT64 },
	{ "oldcur", FIM_VT_UINT64 },
	{ "olddir", FIM_VT_FD },
	{ "olddirfd", FIM_VT_FD },
	{ "oldfd", FIM_VT_FD },
	{ "oldmax", FIM_VT_UINT64 },
	{ "oldpath", FIM_VT_FSPATH },
	{ "oldvalue", FIM_VT_CHARBUF },
	{ "op", FIM_VT_FLAGS16 },
	{ "opcode", FIM_VT_CHARBUF },
	{ "operation", FIM_VT_FLAGS16 },
	{ "option", FIM_VT_FLAGS16 },
	{ "optlen", FIM_VT_UINT32 },
	{ "optname", FIM_VT_FLAGS8 },
	{ "out_fd", FIM_VT_FD },
	{ "path", FIM_VT_FSPATH },
	{ "pathname", FIM_VT_FSPATH },
	{ "peer", FIM_VT_UINT64 },
	{ "pgft", FIM_VT_UINT64 },
	{ "pgft_maj", FIM_VT_UINT64 },
	{ "pgft_min", FIM_VT_UINT64 },
	{ "pgid", FIM_VT_PID },
	{ "pgoffset", FIM_VT_UINT64 },
	{ "pid", FIM_VT_PID },
	{ "pid_fd", FIM_VT_FD },
	{ "pidfd", FIM_VT_FD },
	{ "pidns_init_start_ts", FIM_VT_ABSTIME },
	{ "plugin_id", FIM_VT_UINT32 },
	{ "policy", FIM_VT_CHARBUF },
	{ "pos", FIM_VT_UINT64 },
	{ "prot", FIM_VT_FLAGS32 },
	{ "proto", FIM_VT_CHARBUF },
	{ "ptid", FIM_VT_PID },
	{ "qcmd", FIM_VT_CHARBUF },
	{ "queuelen", FIM_VT_CHARBUF },
	{ "queuemax", FIM_VT_CHARBUF },
	{ "queuepct", FIM_VT_UINT8 },
	{ "quota_fmt_out", FIM_VT_CHARBUF },
	{ "quotafmt", FIM_VT_CHARBUF },
	{ "reaper_tid", FIM_VT_PID },
	{ "request", FIM_VT_UINT64 },
	{ "request_flags", FIM_VT_FLAGS16 },
	{ "res", FIM_VT_ERRNO },
	{ "res_or_fd", FIM_VT_CHARBUF },
	{ "resolve", FIM_VT_CHARBUF },
	{ "resource", FIM_VT_FLAGS8 },
	{ "ret", FIM_VT_CHARBUF },
	{ "rgid", FIM_VT_UINT32 },
	{ "root", FIM_VT_CHARBUF },
	{ "ruid", FIM_VT_UINT32 },
	{ "rusage", FIM_VT_CHARBUF },
	{ "sched", FIM_VT_CHARBUF },
	{ "scope", FIM_VT_CHARBUF },
	{ "sgid", FIM_VT_UINT32 },
	{ "shell", FIM_VT_CHARBUF },
	{ "sig", FIM_VT_SIGTYPE },
	{ "signal", FIM_VT_CHARBUF },
	{ "size", FIM_VT_UINT32 },
	{ "source", FIM_VT_UINT64 },
	{ "source_name", FIM_VT_CHARBUF },
	{ "special", FIM_VT_FSPATH },
	{ "sq_entries", FIM_VT_UINT32 },
	{ "sq_thread_cpu", FIM_VT_UINT32 },
	{ "sq_thread_idle", FIM_VT_UINT32 },
	{ "status", FIM_VT_CHARBUF },
	{ "suid", FIM_VT_UINT32 },
	{ "tags", FIM_VT_BYTEBUF },
	{ "target", FIM_VT_FSPATH },
	{ "target_fd", FIM_VT_FD },
	{ "target_pid", FIM_VT_CHARBUF },
	{ "tid", FIM_VT_PID },
	{ "timeout", FIM_VT_ERRNO },
	{ "to_submit", FIM_VT_UINT32 },
	{ "trusted_exepath", FIM_VT_FSPATH },
	{ "tty", FIM_VT_UINT32 },
	{ "tuple", FIM_VT_SOCKTUPLE },
	{ "type", FIM_VT_CHARBUF },
	{ "uid", FIM_VT_UINT32 },
	{ "uri", FIM_VT_CHARBUF },
	{ "user", FIM_VT_CHARBUF },
	{ "val", FIM_VT_CHARBUF },
	{ "value", FIM_VT_CHARBUF },
	{ "vm_base", FIM_VT_UINT64 },
	{ "vm_rss", FIM_VT_CHARBUF },
	{ "vm_size", FIM_VT_CHARBUF },
	{ "vm_swap", FIM_VT_CHARBUF },
	{ "vpid", FIM_VT_PID },
	{ "vtid", FIM_VT_PID },
	{ "whence", FIM_VT_FLAGS8 },
	{ "which", FIM_VT_FLAGS16 },
	{ "who", FIM_VT_FLAGS16 },
};
/* clang-format on */

const size_t fim_field_count = sizeof(fim_fields) / sizeof(*fim_fields);

static const char *const source_names[FIM_SOURCE_COUNT] = {
	[FIM_SOURCE_SYSCALL] = "syscall",
	[FIM_SOURCE_CLOUDTRAIL] = "aws_cloudtrail",
};

const char *fim_rules_source_name(enum fim_rules_source_id source)
{
	return source_names[source];
}

int fim_rules_source_id(struct fim_str name)
{
	int i;

	for (i = 0; i < FIM_SOURCE_COUNT; i++)
		if (fim_str_is(name, source_names[i]))
			return i;
	return -ENOENT;
}

/* Orders a name against the first member, a string, of an item. */
static int name_order(const void *key, const void *item)
{
	const struct fim_str *name = key;
	const char *const *string = item;

	return fim_str_cmp(*name, (struct fim_str){*string, strlen(*string)});
}

static bool find_string(struct fim_str name, const char *const *strings, size_t count)
{
	return bsearch(&name, strings, count, sizeof(*strings), name_order);
}

bool fim_event_type_is_known(struct fim_str name)
{
	return find_string(name, event_types, sizeof(event_types) / sizeof(*event_types));
}

bool fim_event_type_is_emitted(struct fim_str name)
{
	return find_string(name, emitted_types, sizeof(emitted_types) / sizeof(*emitted_types));
}

static const struct fim_field *find_exact(enum fim_rules_source_id source, struct fim_str name)
{
	const struct fim_field *field =
		bsearch(&name, fim_fields, fim_field_count, sizeof(*fim_fields), name_order);

	return field && (field->sources >> source & 1) ? field : NULL;
}

/* "evt.arg.flags": the field in front of a dot that takes its argument that way. */
static const struct fim_field *find_dotted(enum fim_rules_source_id source, struct fim_str name,
					   struct fim_str *arg_ret)
{
	size_t len;

	for (len = name.len; len-- > 1;) {
		const struct fim_field *field;

		if (name.bytes[len] != '.')
			continue;
		field = find_exact(source, (struct fim_str){name.bytes, len});
		if (field && (field->flags & FIM_FIELD_ARG_DOT)) {
			*arg_ret = (struct fim_str){name.bytes + len + 1, name.len - len - 1};
			return field;
		}
	}
	return NULL;
}

static int say(char *error, size_t size, const char *what, struct fim_str name, struct fim_str arg)
{
	if (arg.len)
		snprintf(error, size, "%s%.*s[%.*s]", what, (int)name.len, name.bytes,
			 (int)(arg.len < 200 ? arg.len : 200), arg.bytes);
	else
		snprintf(error, size, "%s%.*s", what, (int)name.len, name.bytes);
	return -EINVAL;
}

static int check_event_arg(struct fim_field_ref *ref, char *error, size_t size)
{
	size_t count = sizeof(event_args) / sizeof(*event_args);
	const void *found = bsearch(&ref->arg, event_args, count, sizeof(*event_args), name_order);
	bool is_raw = !strcmp(ref->field->name, "evt.rawarg");

	if (!strcmp(ref->field->name, "evt.arg") || is_raw) {
		if (!found)
			return say(error, size, "unknown event argument ", ref->arg,
				   (struct fim_str){0});
		if (is_raw)
			ref->type = event_args[(size_t)((const char *)found -
							(const char *)event_args) /
					       sizeof(*event_args)]
					    .type;
	}
	if (!strcmp(ref->field->name, "evt.type.is") && !fim_event_type_is_known(ref->arg))
		return say(error, size, "filter_check called with nonexistent field evt.type.is.",
			   ref->arg, (struct fim_str){0});
	return 0;
}

static bool is_number(struct fim_str arg)
{
	size_t i;

	for (i = 0; i < arg.len; i++)
		if (arg.bytes[i] < '0' || arg.bytes[i] > '9')
			return false;
	return arg.len > 0 && arg.len < 20;
}

static int check_arg(const struct fim_field *field, struct fim_str name, struct fim_str arg,
		     char *error, size_t size)
{
	static const struct fim_str none;
	bool is_plugin = !(field->sources & SYS);

	if (!arg.len) {
		if (!(field->flags & FIM_FIELD_ARG_REQUIRED))
			return 0;
		if (is_plugin) {
			snprintf(error, size,
				 "filter '%s': %s requires an argument but none provided",
				 field->name, field->name);
			return -EINVAL;
		}
		return say(error, size, "filter syntax error: ", name, none);
	}
	if (!(field->flags & (FIM_FIELD_ARG_ALLOWED | FIM_FIELD_ARG_REQUIRED))) {
		if (!is_plugin)
			return say(error, size, "filter_check called with nonexistent field ", name,
				   arg);
		snprintf(error, size,
			 "filter '%s': %s does not allow nor require an argument but one is "
			 "provided: %.*s",
			 field->name, field->name, (int)(arg.len < 200 ? arg.len : 200), arg.bytes);
		return -EINVAL;
	}
	/* Its type is that of the argument, which a number does not tell. */
	if (!strcmp(field->name, "evt.rawarg"))
		return say(error, size, "evt.arg fields must be expressed explicitly: ", name, arg);
	if (!strcmp(field->name, "evt.type.is"))
		return say(error, size, "filter syntax error: ", name, arg);
	if ((field->flags & FIM_FIELD_ARG_INDEX) && !is_number(arg))
		return say(error, size, "filter_check called with nonexistent field ", name, arg);
	if (memchr(arg.bytes, '\0', arg.len))
		return say(error, size, "filter_check called with nonexistent field ", name, none);
	return 0;
}

int fim_field_find(enum fim_rules_source_id source, struct fim_str name, struct fim_str arg,
		   struct fim_field_ref *ref_ret, char *error_ret, size_t size)
{
	const struct fim_field *field = find_exact(source, name);
	struct fim_field_ref ref = {0};
	int err;

	if (field) {
		err = check_arg(field, name, arg, error_ret, size);
		ref = (struct fim_field_ref){field, field->type, field->flags, arg};
	} else {
		struct fim_str dotted = {0};

		field = find_dotted(source, name, &dotted);
		if (!field || arg.len)
			return say(error_ret, size, "filter_check called with nonexistent field ",
				   name, arg);
		ref = (struct fim_field_ref){field, field->type, field->flags, dotted};
		err = check_event_arg(&ref, error_ret, size);
	}
	if (err)
		return err;
	/* With an argument a field that stands for several is one of them. */
	if (ref.arg.len)
		ref.flags &= (uint16_t) ~(FIM_FIELD_ANY);
	*ref_ret = ref;
	return 0;
}
