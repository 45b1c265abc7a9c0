# What a server was started from, by its joined `images` and `volumes`.
package os.lib.boot

import rego.v1

image(asked) if count(asked.joined.images) > 0

volume(asked) if {
	some one in asked.joined.volumes
	is_object(one.volume_image_metadata)
}

known(asked) if image(asked)

known(asked) if volume(asked)

windows(asked) if {
	some one in asked.joined.images
	lower(one.os_type) == "windows"
}

windows(asked) if {
	some one in asked.joined.images
	lower(one.os_distro) == "windows"
}

windows(asked) if {
	some one in asked.joined.volumes
	lower(one.volume_image_metadata.os_type) == "windows"
}

windows(asked) if {
	some one in asked.joined.volumes
	lower(one.volume_image_metadata.os_distro) == "windows"
}
