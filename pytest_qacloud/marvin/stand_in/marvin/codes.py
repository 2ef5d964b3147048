"""Names for values that suites compare with what the API answers."""

# States of instances.
RUNNING = "Running"
STOPPED = "Stopped"
STOPPING = "Stopping"
STARTING = "Starting"
DESTROYED = "Destroyed"
EXPUNGING = "Expunging"

# States of snapshots, compared in lower case.
BACKED_UP = "backedup"
BACKING_UP = "backingup"

# States of accounts, offerings, zones.
ENABLED = "Enabled"
DISABLED = "Disabled"
ENABLE = "Enable"
DISABLE = "Disable"
ALLOCATED = "Allocated"
UP = "up"

# What library functions answer.
FAIL = 0
PASS = 1
SUCCESS = "SUCCESS"
FAILED = "FAILED"
EXCEPTION = "EXCEPTION"
EXCEPTION_OCCURRED = "Exception Occurred"
FAULT = "FAULT"
INVALID_INPUT = "INVALID INPUT"
INVALID_RESPONSE = "Invalid Response"
EMPTY_LIST = "EMPTY_LIST"
MATCH_NOT_FOUND = "ELEMENT NOT FOUND IN THE INPUT"
UNKNOWN = "UNKNOWN"
UNKNOWN_ERROR = "Unknown Error"
NO = "no"
YES = "yes"

# Asynchronous jobs.
JOB_INPROGRESS = 0
JOB_SUCCEEDED = 1
JOB_FAILED = 2
JOB_CANCELLED = 3

# Accounts.
USER = 0
ADMIN = 1
DOMAIN_ADMIN = 2
ADMIN_ACCOUNT = "ADMIN_ACCOUNT"
USER_ACCOUNT = "USER_ACCOUNT"
ROOT_DOMAIN_ADMIN = "root domain admin"
CHILD_DOMAIN_ADMIN = "child domain admin"

# Resource types of limits and counts.
RESOURCE_USER_VM = 0
RESOURCE_PUBLIC_IP = 1
RESOURCE_VOLUME = 2
RESOURCE_SNAPSHOT = 3
RESOURCE_TEMPLATE = 4
RESOURCE_PROJECT = 5
RESOURCE_NETWORK = 6
RESOURCE_VPC = 7
RESOURCE_CPU = 8
RESOURCE_MEMORY = 9
RESOURCE_PRIMARY_STORAGE = 10
RESOURCE_SECONDARY_STORAGE = 11

# Networks.
BASIC_ZONE = "basic"
ISOLATED_NETWORK = "ISOLATED"
SHARED_NETWORK = "SHARED"
VPC_NETWORK = "VPC"
NETWORK_OFFERING = "network_offering"
NAT_RULE = "nat rule"
STATIC_NAT_RULE = "static nat rule"
LB_RULE = "Load Balancer Rule"
PUBLIC_TRAFFIC = "public"
GUEST_TRAFFIC = "guest"
MANAGEMENT_TRAFFIC = "management"
STORAGE_TRAFFIC = "storage"
VMWAREDVS = "vmwaredvs"

# Hypervisors.
XEN_SERVER = "XenServer"
KVM = "kvm"
VMWARE = "vmware"

# Hosts: state of the agent, then of the resource.
HOST_CREATING = "Creating"
HOST_CONNECTING = "Connecting"
HOST_UP = "Up"
HOST_DOWN = "Down"
HOST_DISCONNECTED = "Disconnected"
HOST_ALERT = "Alert"
HOST_REMOVED = "Removed"
HOST_ERROR = "Error"
HOST_REBALANCING = "Rebalancing"
HOST_UNKNOWN = "Unknown"
HOST_RS_CREATING = "Creating"
HOST_RS_ENABLED = "Enabled"
HOST_RS_DISABLED = "Disabled"
HOST_RS_PREPARE_FOR_MAINTENANCE = "PrepareForMaintenance"
HOST_RS_ERROR_IN_MAINTENANCE = "ErrorInMaintenance"
HOST_RS_MAINTENANCE = "Maintenance"
HOST_RS_ERROR = "Error"
ERROR_NO_HOST_FOR_MIGRATION = (
    "Could not find suitable host for migration, please ensure setup has required no. of hosts"
)

# Storage.
ROOT = "ROOT"
DATA = "DATA"
PRIMARY = "PRIMARY"
RECURRING = "RECURRING"
CLUSTER = "cluster"
ZONETAG1 = "zwps1"
ZONETAG2 = "zwps2"
CLUSTERTAG1 = "cwps1"
CLUSTERTAG2 = "cwps2"
