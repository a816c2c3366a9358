extension TokenIdentity {
    static func read(_ reader: inout JSONReader) throws(JSONError) -> TokenIdentity {
        var identity = TokenIdentity()
        try reader.beginObject()
        while let name = try reader.nextKey() {
            switch name {
            case "uuid": identity.uuid = try reader.optionalString()
            case "description": identity.description = try reader.optionalString()
            case "token_type": identity.tokenType = try reader.optionalString()
            case "organization_slug": identity.organizationSlug = try reader.optionalString()
            case "organization_uuid": identity.organizationUUID = try reader.optionalString()
            case "cluster_uuid": identity.clusterUUID = try reader.optionalString()
            case "cluster_name": identity.clusterName = try reader.optionalString()
            case "organization_queue_uuid": identity.organizationQueueUUID = try reader.optionalString()
            case "organization_queue_key": identity.organizationQueueKey = try reader.optionalString()
            default: try reader.skip()
            }
        }
        return identity
    }
}
