# Boots systemd as the first process of a host: over the files of this machine, of which nothing is changed.
# usage: sh systemd.sh <folder, empty or of an earlier boot> <folder of the control group> <file of Node>
set -e
echo $$ > "$2/cgroup.procs"
exec unshare --mount --pid --fork --uts --ipc --cgroup --propagation private sh -ec '
mkdir -p "$1/upper" "$1/work" "$1/root"
mount -t overlay overlay -o "lowerdir=/,upperdir=$1/upper,workdir=$1/work" "$1/root"
cd "$1/root"
mount -t proc proc proc
mount -t sysfs sysfs sys
mount -t cgroup2 cgroup2 sys/fs/cgroup
mount -t tmpfs tmpfs run
mount -t tmpfs tmpfs dev
# Where units see it, wherever it stands here.
touch usr/local/bin/node; mount --bind "$2" usr/local/bin/node
for device in null zero full random urandom tty; do touch dev/$device; mount --bind /dev/$device dev/$device; done
# None of the services of this machine: only what the test installs.
if [ ! -e etc/systemd/system/small.target ]; then
  rm -rf usr/lib/systemd/system/*.wants usr/lib/systemd/system-generators etc/systemd/system
  mkdir -p etc/systemd/system mnt
  cat > etc/systemd/system/small.target <<E
[Unit]
Description=A host of a test
Wants=multi-user.target
E
fi
pivot_root . mnt
cd /
umount -l mnt
exec env -i container=test PATH=/usr/sbin:/usr/bin:/sbin:/bin /lib/systemd/systemd \
  --system --unit=small.target --log-target=console --log-level=warning --show-status=no
' sh "$1" "$3"
