"""Values of the standards scs-0102, scs-0103 and scs-0104."""

MIB = 1024
STANDARD_FLAVORS = {
    # name: virtual CPUs, RAM in GiB, disk in GB
    "SCS-1V-4": (1, 4, 0),
    "SCS-2V-8": (2, 8, 0),
    "SCS-4V-16": (4, 16, 0),
    "SCS-8V-32": (8, 32, 0),
    "SCS-1V-2": (1, 2, 0),
    "SCS-2V-4": (2, 4, 0),
    "SCS-4V-8": (4, 8, 0),
    "SCS-8V-16": (8, 16, 0),
    "SCS-16V-32": (16, 32, 0),
    "SCS-1V-8": (1, 8, 0),
    "SCS-2V-16": (2, 16, 0),
    "SCS-4V-32": (4, 32, 0),
    "SCS-1L-1": (1, 1, 0),
    "SCS-2V-4-20s": (2, 4, 20),
    "SCS-4V-16-100s": (4, 16, 100),
}
UBUNTU = "https://cloud-images.ubuntu.com/"
DEBIAN = ("https://cloud.debian.org/images/cloud/", "https://cdimage.debian.org/cdimage/cloud/")
NAMED_SOURCES = {
    "ubuntu-2404": ("Ubuntu 24.04", (f"{UBUNTU}releases/noble/", f"{UBUNTU}noble/")),
    "ubuntu-2204": ("Ubuntu 22.04", (f"{UBUNTU}releases/jammy/", f"{UBUNTU}jammy/")),
    "ubuntu-2004": ("Ubuntu 20.04", (f"{UBUNTU}releases/focal/", f"{UBUNTU}focal/")),
    "debian-13": ("Debian 13", tuple(f"{base}trixie/" for base in DEBIAN)),
    "debian-12": ("Debian 12", tuple(f"{base}bookworm/" for base in DEBIAN)),
    "debian-11": ("Debian 11", tuple(f"{base}bullseye/" for base in DEBIAN)),
}
REGIO = (
    "https://swift.services.a.regiocloud.tech/swift/v1/"
    "AUTH_b182637428444b9aa302bb8d5a5a418c/openstack-k8s-capi-images/"
)
CAPI_SOURCES = (
    "https://nbg1.your-objectstorage.com/osism/openstack-k8s-capi-images/",
    f"{REGIO}ubuntu-2404-kube",
    f"{REGIO}ubuntu-2204-kube",
)
CAPI_NAMES = {
    "capi-1": r"ubuntu-capi-image v[0-9]\.[0-9]+(\.[0-9]+)?",
    "capi-2": r"ubuntu-capi-image-v[0-9]\.[0-9]+(\.[0-9]+)?",
}
PURPOSES = ("generic", "oldgeneric", "minimal", "k8snode", "gpu", "network", "custom")
HOUR = 3600
DAY = 24 * HOUR
PERIODS = {
    "yearly": 365 * DAY,
    "quarterly": 92 * DAY,
    "monthly": 31 * DAY,
    "weekly": 7 * 25 * HOUR,
    "daily": 25 * HOUR,
}
FREQUENCIES = ("never", "critical_bug", *PERIODS)
